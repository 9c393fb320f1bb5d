"""The stage in one HTML page: for a notebook, or as a file that opens without a server or a network.

Everything is inside: the JavaScript and CSS of ``mmm.viewer``, the motion as base64, the sound as Ogg Vorbis.
"""

import base64
import html
from pathlib import Path

from mmm.io.files import write_atomically
from mmm.music.audio import encode_ogg
from mmm.viewer.assets import SCRIPTS, STYLES, script, styles
from mmm.viewer.palette import THEMES
from mmm.viewer.scene import Scene

HEIGHT = 600
"""Of the stage, CSS pixels."""
# Nothing may be fetched, whatever a clip's names hold; the page's own script and style stand in it.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "media-src data: blob:"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
{theme}
html {{ color-scheme: {scheme}; }}
body {{ margin: 0; padding: 16px; background: var(--st-background-color); color: var(--st-text-color);
  font: 15px/1.4 var(--st-font); }}
main {{ max-width: 1500px; margin: 0 auto; }}
h1 {{ font-size: 17px; font-weight: 600; margin: 0 0 12px; overflow-wrap: anywhere; }}
{styles}
</style>
</head>
<body>
<main><h1>{title}</h1><div id="stage"></div></main>
<script id="payload" type="application/octet-stream;base64">{payload}</script>
<script type="module">
{script}
const text = document.getElementById("payload").textContent;
show({{ parentElement: document.getElementById("stage"), setStateValue() {{}},
  data: Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)) }});
</script>
</body>
</html>
"""


def page(scene: Scene, height: int = HEIGHT, theme: str = "auto") -> str:
    """A scene as a whole HTML page; with sound where the scene has any.

    Args:
        height: of the stage, CSS pixels.
        theme: ``"light"``, ``"dark"``, or ``"auto"``: as the reader's system has it.
    """
    audio = scene.music.audio if scene.music else None
    payload = scene.payload(encode_ogg(audio) if audio else None, height)
    # The module's last file exports what mounts the stage; here the same page calls it.
    code = script(*SCRIPTS).replace("export default mountOnce(", "const show = mountOnce(")
    return _PAGE.format(
        policy=_POLICY,
        title=html.escape(scene.title or "Motion"),
        theme=_theme(theme),
        styles=styles(*STYLES),
        scheme="light dark" if theme == "auto" else theme,
        script=code,
        payload=base64.b64encode(payload).decode(),
    )


def _theme(theme: str) -> str:
    """The stage reads Streamlit's variables; here they are set by hand."""
    blocks = {
        name: ":root { --st-font: system-ui, 'Segoe UI', Roboto, sans-serif; "
        + " ".join(
            f"--st-{variable}: {colours[key]};"
            for variable, key in (
                ("background-color", "background"),
                ("secondary-background-color", "surface"),
                ("text-color", "text"),
                ("primary-color", "primary"),
            )
        )
        + " }"
        for name, colours in THEMES.items()
    }
    if theme != "auto":
        return blocks[theme]
    return f"{blocks['light']}\n@media (prefers-color-scheme: dark) {{ {blocks['dark']} }}"


def write_html(scene: Scene, path: str | Path, theme: str = "auto") -> None:
    """A scene as an ``.html`` file of its own.

    Raises:
        FileError: the file cannot be written.
    """
    text = page(scene, theme=theme)
    write_atomically(Path(path), lambda file: file.write(text.encode()))
