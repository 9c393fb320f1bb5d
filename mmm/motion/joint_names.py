"""Finding the side, the part of the body and the possible roles of a joint from its name.

The rules cover the naming of Mixamo, Blender and Rigify, MikuMikuDance (Japanese), Unity's
humanoid, 3ds Max Biped, Maya HumanIK, Daz and Poser, Unreal, CMU, Xsens, Vicon, Kinect, OptiTrack
and Rokoko, and names written in German or Chinese. They look at one name at a time.
``mmm.motion.role_finding`` adds the tree of joints.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

_CACHED = 32_768  # size of caches, in names; every recovery looks up those of its skeleton again

# --- Sides ---

# Words for limbs and joints that a side letter may directly precede or follow: lfemur, thighL.
_LIMB_WORDS = (
    "forearm|upperarm|lowerarm|upper_?arm|lower_?arm|fore_?arm|uparm|arm|humerus|radius|wrist|hand|"
    "palm|finger|thumb|index|middle|ring|pinky|shoulder|shldr|clavicle|clav|collar|scapula|elbow|"
    "upperleg|lowerleg|upper_?leg|lower_?leg|upleg|lowleg|leg|thigh|femur|shin|calf|tibia|knee|"
    "ankle|foot|feet|toe|toes|toebase|ball|heel|hip|hipjoint|buttock|butt|eye|breast|"
    "oberschenkel|unterschenkel|schienbein|oberarm|unterarm|schulter|schluesselbein|schlüsselbein|"
    "ellbogen|ellenbogen|handgelenk|knie|fuss|fuß|zehe|zehen|bein|hüfte|huefte"
)
_SEPARATOR = r"[_.\s|:-]"


def _side_letter(letter: str) -> re.Pattern[str]:
    """Matches a single letter that marks a side: ``arm_L``, ``LThumb``, ``lfemur``, ``thighL``."""
    low, up = letter.lower(), letter.upper()
    start = rf"(?:^|(?<={_SEPARATOR}))"
    return re.compile(
        "|".join(
            (
                rf"{start}[{low}{up}](?:{_SEPARATOR}|$)",  # alone: arm_L, l_leg, Bip01 L Thigh
                rf"{start}{up}(?=[A-Z][a-z])",  # LThumb
                rf"{start}{up}(?=[A-Z]{{2}}[a-z])(?!OO)",  # LUArm (OptiTrack)
                rf"{start}{low}(?=[A-Z])",  # lHand
                rf"{start}[{low}{up}](?=(?i:{_LIMB_WORDS}))",  # lfemur, LFEMUR
                # thighL, UpperLegL, thighL001 (three.js drops Blender's dots), Arm1L
                rf"(?<=[a-z\d][a-z\d]){up}(?=\d*(?:{_SEPARATOR}|$))",
                rf"(?<=[a-z][a-z]){up}(?=[A-Z][a-z])",  # FootLRoll
            )
        )
    )


_SIDE_LETTERS = {"left": _side_letter("l"), "right": _side_letter("r")}
# thighl, FOOTR: only after a whole word, because "heel" and "finger" end in these letters too.
_SIDE_AFTER_WORD = re.compile(rf"(?:^|{_SEPARATOR})(?:{_LIMB_WORDS})([lr])$", re.IGNORECASE)
_SIDE_WORDS = {
    "left": re.compile(
        r"left|lft|(?<![a-z])lf(?![a-z])|link(?:s|e[rsnm]?)(?!d)|左|ひだり", re.IGNORECASE
    ),
    "right": re.compile(
        r"(?<!^up)right|rgt|(?<![a-z])rt(?![a-z])|recht(?:s|e[rsnm]?)|右|みぎ", re.IGNORECASE
    ),
}
# Abbreviations of anatomy, as in Oberschenkel_li.
_GERMAN_SIDES = {
    "left": re.compile(rf"(?:^|(?<={_SEPARATOR}))li(?:{_SEPARATOR}|$)", re.IGNORECASE),
    "right": re.compile(rf"(?:^|(?<={_SEPARATOR}))re(?:{_SEPARATOR}|$)", re.IGNORECASE),
}


@lru_cache(_CACHED)
def split_side(name: str) -> tuple[str, str]:
    """The side in a name (``left``, ``right`` or an empty text), and the name without its mark."""
    prefix, colon, bare = _without_namespace(name)
    wide = unicodedata.normalize("NFKC", bare)  # the full-width letters of Japanese rigs
    for patterns in (_SIDE_WORDS, _SIDE_LETTERS, _GERMAN_SIDES):
        for side, pattern in patterns.items():
            if match := pattern.search(wide):
                return side, prefix + colon + wide[: match.start()] + wide[match.end() :]
    if match := _SIDE_AFTER_WORD.search(wide):
        side = "left" if match[1].lower() == "l" else "right"
        return side, prefix + colon + wide[:-1]
    return "", name


def joint_side(name: str) -> str:
    """``left``, ``right`` or an empty text, by the name alone (``LeftArm``, ``lfemur``, ``左腕``)."""
    return split_side(name)[0]


# The segments of Vicon's Plug-in Gait: two letters after the side.
_PLUG_IN_GAIT = {
    f"{side}{code}": f"{side}{word}"
    for side in "LR"
    for code, word in (
        ("CL", "Clavicle"),
        ("HU", "Humerus"),
        ("RA", "Radius"),
        ("HN", "Hand"),
        ("FE", "Femur"),
        ("TI", "Tibia"),
        ("FO", "Foot"),
        ("TO", "Toes"),
    )
}


def _without_namespace(name: str) -> tuple[str, str, str]:
    """A name cut at its last ``:`` (Maya) or ``|`` (a path of joints); codes become words."""
    cut = max(name.rfind(":"), name.rfind("|"))
    bare = name[cut + 1 :]
    separator = name[cut : cut + 1] if cut >= 0 else ""
    return name[: max(cut, 0)], separator, _PLUG_IN_GAIT.get(bare, bare)


@lru_cache(_CACHED)
def plain_name(name: str) -> str:
    """A name in lower case without namespace, accents and full-width letters; ``ß`` as ``ss``."""
    bare = unicodedata.normalize("NFKC", _without_namespace(name)[2]).casefold()
    letters = []
    for letter in bare:
        # Only Latin letters lose their marks: those of Japanese kana change the sound (ひさ, ひざ).
        base = unicodedata.normalize("NFD", letter)[0]
        letters.append(base if base.isascii() else letter)
    return "".join(letters)


# --- Parts of the body ---

# The first part whose pattern is found in a name; a joint without one belongs to its parent's part.
_PARTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (part, re.compile(words))
    for part, words in (
        ("arm", r"schlu?e?sselbein|schluesselbein|collarbone"),  # before "bein", a leg
        (
            "leg",
            r"upleg|upperleg|lowerleg|leg|thigh|shin|calf|knee|ankle|foot|toe|femur|tibia|hipjoint|"
            r"schenkel|bein|knie|(?<![a-z])wade|knochel|knoechel|sprunggelenk|fuss|zeh|"
            r"[足脚腳腿膝胫脛踝股髋髖胯趾]|ひざ|ヒザ|つま先|爪先|すね|もも|くるぶし",
        ),
        (
            "arm",
            r"shoulder|collar|clav|arm|elbow|wrist|hand|finger|thumb|index|middle|ring|pinky|"
            r"humerus|radius|schulter|ell(?:en)?bogen|daumen|[手腕肘臂肩指拇肱]|锁骨|鎖骨|胳膊|ひじ|ヒジ",
        ),
        (
            "head",
            r"head|neck|jaw|eye|kopf|hals|nacken|kiefer|(?<!g)auge|[頭头首颈頸脖目眼髪发顎颌舌]|あご",
        ),
        (
            "torso",
            r"hips?$|pelvis|root|spine|chest|torso|back|waist|abdomen|thorax|ribcage|butt|becken|"
            r"hu?e?fte|brust|wirbel|bauch|rumpf|rucken|[腰胸腹脊背臀]|骨盆|骨盤|上半身|下半身|センター|グルーブ",
        ),
    )
)
_HIP = re.compile(r"hip|hu?e?fte")
_FOOT = re.compile(
    r"foot|toe|ankle|fuss|zeh|knochel|knoechel|sprunggelenk|足首|足先|つま先|つまさき|爪先|足指|"
    r"[脚腳足](?:踝|腕|掌|趾|尖|部)|[脚腳足]$|^ball$"
)
_ANKLE_IN_JAPANESE = re.compile(r"足首")
_BARE_FOOT = re.compile(r"[脚足]d?")


@lru_cache(_CACHED)
def body_part(name: str) -> str:
    """``arm``, ``leg``, ``head`` or ``torso`` by the name alone; empty if it does not tell."""
    plain = plain_name(name)
    if joint_side(name) and _HIP.search(plain):
        return "leg"
    return next((part for part, pattern in _PARTS if pattern.search(plain)), "")


def floor_joints(names: Sequence[str]) -> tuple[int, ...]:
    """Joints that may touch the floor by their names: ankles, feet and toes."""
    plain = [plain_name(split_side(name)[1]).strip("_.- ") for name in names]
    # 足 is a foot, except in MikuMikuDance, where it is the thigh and 足首 is the ankle.
    thigh = _BARE_FOOT if any(map(_ANKLE_IN_JAPANESE.search, plain)) else re.compile(r"(?!)")
    return tuple(
        j for j, name in enumerate(plain) if _FOOT.search(name) and not thigh.fullmatch(name)
    )


# --- Roles ---

# The possible roles of a name, by the first pattern found in it, with scores of how well the word
# fits. A shoulder is the collar if an arm follows (LAFAN1, CMU, Mixamo), else the upper arm's joint
# (SMPL). A foot is the toe's joint if an ankle precedes it (SMPL). A hip joint is the thigh's only
# if nothing below it is (CMU has both).
_S = r"[._ -]?"
_ROLE_WORDS: tuple[tuple[re.Pattern[str], Mapping[str, int]], ...] = tuple(
    (re.compile(words), roles)
    for words, roles in (
        (
            r"thumb|index|ring|pinky|pinkie|little|finger|digit|carpal|palm|"
            r"mid(?:dle)?\d*(?:$|[._ -])|eye|jaw|hair|breast|heel|daumen|auge|kiefer|haar|ferse",
            {},
        ),
        (r"schlu?e?sselbein|schulterblatt|锁骨|鎖骨", {"collar": 6}),
        (r"[脚腳足](?:趾|指|尖|先)|つま先|つまさき|爪先|fu(?:ss)?spitze", {"toe": 6}),
        (r"[指拇目眼瞳髪发髮胸乳耳舌顎颌]|あご|かかと", {}),
        (rf"u(?:p(?:per)?)?{_S}leg|leg{_S}up|thigh|femur", {"hip": 6}),
        (rf"ober{_S}(?:schenkel|bein)|大腿|上腿|太もも|もも|股骨", {"hip": 6}),
        (rf"low(?:er)?{_S}leg|leg{_S}low|knee|shin|calf|tibia", {"knee": 6}),
        (rf"unter{_S}(?:schenkel|bein)|schienbein|knie|(?<![a-z])wade", {"knee": 6}),
        (r"小腿|下腿|膝|ひざ|ヒザ|すね|ふくらはぎ|脛|胫", {"knee": 6}),
        (r"hip[._ -]?joint|buttock", {"hip": 2}),
        (r"hip|hu?e?fte|髋|髖|胯|臀|股", {"hip": 4}),
        (r"ankle|knoe?chel|(?:fuss|sprung)gelenk|足首|くるぶし|踝|[脚腳足][腕脖]", {"ankle": 6}),
        (r"toe|ball|zeh|前[脚腳足]掌", {"toe": 6}),
        (r"foot|feet|fuss|[脚腳足][掌部板]$", {"ankle": 4, "toe": 2}),
        # 足 is the thigh in MikuMikuDance and a foot in Chinese; 脚 is a leg in Japanese.
        (r"[足脚腳]", {"hip": 4, "ankle": 3, "toe": 2}),
        (r"腿", {"hip": 4, "knee": 2}),
        (r"leg|bein", {"knee": 4, "hip": 2}),
        (r"collar|clav|scapula", {"collar": 6}),
        (rf"fore{_S}arm|farm|low(?:er)?{_S}arm|arm{_S}low|elbow|radius", {"elbow": 6}),
        (rf"unter{_S}arm|ell(?:en)?bogen|前腕|[前小下]臂|肘|ひじ|ヒジ", {"elbow": 6}),
        (rf"u(?:p(?:per)?)?{_S}arm|arm{_S}up|humerus|shldr", {"shoulder": 6}),
        (rf"ober{_S}arm|上腕|[上大]臂|肱", {"shoulder": 6}),
        (r"shoulder|schulter|肩", {"shoulder": 4, "collar": 3}),
        (r"wrist|handgelenk|手首|手腕", {"wrist": 6}),
        (r"手臂|胳膊", {"shoulder": 4, "elbow": 2}),
        (r"hand|手|掌", {"wrist": 4}),
        # 腕 is an arm in Japanese and a wrist in Chinese.
        (r"腕", {"shoulder": 5, "wrist": 3}),
        (r"arm|臂", {"shoulder": 4, "elbow": 2}),
    )
)
# Helper joints of a rig, which are no part of the body.
_HELPERS = (
    re.compile(
        r"dummy|twist|roll|nub|effector|helper|(?:^|[._ -])(?:ik|end|tip|top|site|null|prop|weapon|"
        r"pole|target|mch|vis)(?:$|[._ -])|ダミー|補助|捩|捻|キャンセル|(?<=[^\x00-\x7f])ik|手先|頭先|肩[pc]",
        re.IGNORECASE,
    ),
    re.compile(r"[a-z0-9](?:End|Tip|Top|Site|IK)(?:$|[^a-z])"),
)


@lru_cache(_CACHED)
def role_fits(name: str) -> Mapping[str, int]:
    """Roles of a limb (``collar``, ..., ``toe``) that a name may mean, each with a score."""
    if is_helper(name):
        return {}
    plain = plain_name(name)
    return next((roles for pattern, roles in _ROLE_WORDS if pattern.search(plain)), {})


@lru_cache(_CACHED)
def is_helper(name: str) -> bool:
    """Whether a name is that of a rig's helper joint: twists, ends, targets of inverse kinematics."""
    bare = unicodedata.normalize("NFKC", _without_namespace(name)[2])
    return any(pattern.search(bare) for pattern in _HELPERS)


_ENDS = re.compile(
    r"(?i:nub|(?:^|[._ -])(?:end|tip|top|site)(?:$|[._ -]))|"
    r"[a-z0-9](?:End|Tip|Top|Site)(?:$|[^a-z])|手先|頭先"
)
_ACCESSORIES = re.compile(
    r"eye|jaw|hair|beard|breast|tongue|teeth|(?<![a-z])(?:hat|cap|skirt|cape|cloth|ear|brow|lid)"
    r"(?![a-z])|auge|kiefer|haar|[目眼瞳髪发髮胸乳耳舌顎颌]"
)


@lru_cache(_CACHED)
def is_end(name: str) -> bool:
    """Whether a name is that of a chain's end: the top of a head, the tip of a finger or a toe."""
    return is_helper(name) and bool(_ENDS.search(_without_namespace(name)[2]))


@lru_cache(_CACHED)
def is_accessory(name: str) -> bool:
    """Whether a name is that of a part of the face, of hair or of clothes."""
    return bool(_ACCESSORIES.search(plain_name(name)))


_NECK = re.compile(r"neck|hals|nacken|(?<![手足])首|[颈頸]|(?<![脚腳足])脖")
_HEAD = re.compile(r"head|kopf|頭|头|(?<![a-z])tete")


def is_neck(name: str) -> bool:
    """Whether a name is that of a neck."""
    return bool(_NECK.search(plain_name(name)))


def is_head(name: str) -> bool:
    """Whether a name is that of a head."""
    return bool(_HEAD.search(plain_name(name)))
