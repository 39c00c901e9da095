"""Invented names, Chinese with pinyin. Common surnames and given names, put together by chance."""

from random import Random

SURNAMES = {
    "王": "Wang",
    "李": "Li",
    "张": "Zhang",
    "刘": "Liu",
    "陈": "Chen",
    "杨": "Yang",
    "赵": "Zhao",
    "黄": "Huang",
    "周": "Zhou",
    "吴": "Wu",
    "徐": "Xu",
    "孙": "Sun",
    "马": "Ma",
    "朱": "Zhu",
    "胡": "Hu",
    "郭": "Guo",
    "何": "He",
    "林": "Lin",
    "高": "Gao",
    "罗": "Luo",
}
GIVEN = {
    "秀兰": "Xiulan",
    "桂英": "Guiying",
    "玉珍": "Yuzhen",
    "淑华": "Shuhua",
    "凤英": "Fengying",
    "春梅": "Chunmei",
    "素芬": "Sufen",
    "月娥": "Yue'e",
    "爱莲": "Ailian",
    "慧敏": "Huimin",
    "建国": "Jianguo",
    "志强": "Zhiqiang",
    "德明": "Deming",
    "永康": "Yongkang",
    "福生": "Fusheng",
    "文斌": "Wenbin",
    "国华": "Guohua",
    "长青": "Changqing",
    "金山": "Jinshan",
    "树林": "Shulin",
}
CHILDREN = {
    "伟": "Wei",
    "强": "Qiang",
    "磊": "Lei",
    "军": "Jun",
    "静": "Jing",
    "丽": "Li",
    "敏": "Min",
    "娟": "Juan",
}


def full_name(rng: Random, given: dict[str, str], surname: str = "") -> str:
    """A name in both scripts, such as `王秀兰 Wang Xiulan`."""
    surname = surname or rng.choice(list(SURNAMES))
    name = rng.choice(list(given))
    return f"{surname}{name} {SURNAMES[surname]} {given[name]}"
