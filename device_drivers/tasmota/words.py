"""What Tasmota's own words mean: actions of buttons and switches, codes of its rules."""

PRESS_OF_BUTTON = {
    "SINGLE": "single",
    "DOUBLE": "double",
    "TRIPLE": "triple",
    "QUAD": "quadruple",
    "PENTA": "many",
    "HOLD": "long",
}
# `%value%` of a button in a rule (`publish stat/…/BUTTON %value%`), from the same table.
PRESS_OF_BUTTON_STATE = {
    "2": "single",
    "3": "long",
    "10": "single",
    "11": "double",
    "12": "triple",
    "13": "quadruple",
    "14": "many",
}
NO_PRESS_OF_BUTTON = ("CLEAR", "15")

# A switch toggles where it is a push button. INC_DEC comes while it is held, 100 is a double push.
PRESS_OF_SWITCH = {
    "TOGGLE": "single",
    "HOLD": "long",
    "DOUBLE": "double",
    "100": "double",
    "INCREMENT": "long",
    "INC_DEC": "long",
}
# ON and OFF are the position of the switch, which is not known to be a door's.
NO_PRESS_OF_SWITCH = ("ON", "OFF", "INV", "CLEAR", "RELEASE", "DELAYED", "POWER_DELAYED")
TWICE_MODES = (8, 9, 10)  # SwitchMode: two changes within half a second are HOLD

# A Zigbee remote's `Click`, as Tasmota names the values of Xiaomi's buttons.
PRESS_OF_CLICK = {
    "single": "single",
    "double": "double",
    "triple": "triple",
    "quadruple": "quadruple",
    "many": "many",
    "hold": "long",
}
NO_PRESS_OF_CLICK = ("release",)
TOGGLED = 2  # `Power` as the command "toggle" of a remote; 0 and 1 may be a lamp's state
ALARM_COMMANDS = ("0501!02", "0501!03", "0501!04")  # IAS ACE: emergency, fire, panic
