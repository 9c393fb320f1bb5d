"""The viewer as a single HTML page, for notebooks and as a file without server and network.

The page holds everything: JavaScript and CSS, the motion as base64, the sound as Ogg Vorbis.
"""

import base64
import html
from pathlib import Path

from mmm.music.audio import encode_ogg
from mmm.storage import write_text
from mmm.viewer.assets import SCRIPTS, STYLES, script, styles
from mmm.viewer.palette import THEMES
from mmm.viewer.scene import Scene

HEIGHT = 600
"""Default height of the viewer, CSS pixels."""
# The page must fetch nothing, whatever the names in a clip contain. Script and style are inline.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src data: blob:"
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
body {{ margin: 0; padding: 16px; background: var(--st-background-color);
  color: var(--st-text-color); font: 15px/1.4 var(--st-font); }}
main {{ max-width: 1500px; margin: 0 auto; }}
h1 {{ font-size: 17px; font-weight: 600; margin: 0 0 12px; overflow-wrap: anywhere; }}
{styles}
</style>
</head>
<body>
<main><h1>{title}</h1><div id="viewer"></div></main>
<script id="payload" type="application/octet-stream;base64">{payload}</script>
<script type="module">
{script}
const text = document.getElementById("payload").textContent;
show({{ parentElement: document.getElementById("viewer"), setStateValue() {{}},
  data: Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)) }});
</script>
</body>
</html>
"""


def page(scene: Scene, height: int = HEIGHT, theme: str = "auto") -> str:
    """A scene as a whole HTML page, with its sound.

    Args:
        height: height of the viewer, CSS pixels.
        theme: ``"light"``, ``"dark"``, or ``"auto"`` for that of the reader's system.
    """
    audio = scene.music.audio if scene.music else None
    payload = scene.payload(encode_ogg(audio) if audio else None, height)
    # The last file exports the component for Streamlit. Here the page itself calls it.
    code = script(*SCRIPTS).replace("export default mountOnce(", "const show = mountOnce(")
    return _PAGE.format(
        policy=_POLICY,
        # Titles come from file names, which may hold markup.
        title=html.escape(scene.title or "Motion"),
        theme=_theme(theme),
        styles=styles(*STYLES),
        scheme="light dark" if theme == "auto" else theme,
        script=code,
        payload=base64.b64encode(payload).decode(),
    )


def _theme(theme: str) -> str:
    """CSS that sets the variables that the viewer otherwise gets from Streamlit."""
    # A system typeface, because the page's policy forbids fetching fonts.
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
    """Write a scene as an ``.html`` file.

    Raises:
        FileError: the file cannot be written.
    """
    text = page(scene, theme=theme)
    write_text(Path(path), text)
