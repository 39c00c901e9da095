// The bell: rings for what is new, and again and again while an emergency waits for an answer.
// Browsers ring only after a first click or key; until then a banner says that they do not.
const RING_AGAIN_MS = 15000;
const TONES = { emergency: [880, 660, 880, 660], urgent: [660, 660] };

export class Bell {
  constructor({ banner, button, isWaiting }) {
    this.banner = banner;
    this.audio = new AudioContext();
    this.audio.addEventListener("statechange", () => this.show());
    button.addEventListener("click", async () => {
      await this.audio.resume();
      this.ring("notice");
    });
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => this.audio.resume(), { once: true });
    setInterval(() => isWaiting() && this.ring("emergency"), RING_AGAIN_MS);
    this.show();
  }

  show() {
    this.banner.hidden = this.audio.state === "running";
  }

  ring(severity) {
    if (this.audio.state !== "running") return;
    (TONES[severity] ?? [660]).forEach((pitch, index) => {
      const from = this.audio.currentTime + index * 0.22;
      const tone = new OscillatorNode(this.audio, { frequency: pitch });
      const loudness = new GainNode(this.audio, { gain: 0.25 });
      tone.connect(loudness).connect(this.audio.destination);
      tone.start(from);
      tone.stop(from + 0.2);
    });
  }
}
