"""What is known, edited on the timeline with real drags and keys. The mask itself stands in the timeline's data."""

import re
from collections.abc import Callable

import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LIMIT_MS = 60_000  # only ever waited out where something is wrong
FRAMES = 120
QUERY = f"?sequence=Samples/dance_081bpm_test032_dancer00&frames=0-{FRAMES}&method=slerp&hide="
expect.set_options(timeout=LIMIT_MS)


@pytest.fixture
def open_(new_page, address) -> Callable[..., Page]:
    def go(hide: str = "span:40-79", **looks: object) -> Page:
        page = new_page(**looks).page
        page.set_default_timeout(LIMIT_MS)
        page.goto(address + QUERY + hide)
        page.locator("canvas[data-checksum]").first.wait_for()
        expect(page.get_by_role("button", name="Recover")).to_be_visible()
        return page

    return go


def timeline(page: Page) -> Locator:
    return page.get_by_role("slider", name="Timeline")


def has(page: Page, **data: str) -> None:
    for name, value in data.items():
        expect(timeline(page)).to_have_attribute(f"data-{name}", value)


def says(page: Page, spec: str) -> None:
    """The server has heard: the SPEC on the stage and in the address."""
    expect(page.get_by_role("toolbar", name="Edit hidden frames and poses")).to_have_attribute(
        "data-spec", spec
    )
    expect(page).to_have_url(
        re.compile(
            re.escape(
                "hide="
                + spec.replace(":", "%3A")
                .replace("+", "%2B")
                .replace(",", "%2C")
                .replace("=", "%3D")
                .replace("@", "%40")
            )
        )
    )


def tool(page: Page, name: str) -> Locator:
    return page.get_by_role("toolbar", name="Edit hidden frames and poses").get_by_role(
        "button", name=name, exact=True
    )


def drag(page: Page, first: int, last: int, frames: int = FRAMES) -> None:
    timeline(page).scroll_into_view_if_needed()
    box = timeline(page).bounding_box()
    assert box is not None
    x = [box["x"] + box["width"] * (frame + 0.5) / frames for frame in (first, last)]
    page.mouse.move(x[0], box["y"] + 40)
    page.mouse.down()
    page.mouse.move((x[0] + x[1]) / 2, box["y"] + 40)
    page.mouse.move(x[1], box["y"] + 40)
    page.mouse.up()


def test_frames_dragged_over_are_hidden_and_undo_restores_the_exact_mask(open_):
    page = open_()
    has(page, hidden="40-79", selection="")
    drag(page, 90, 100)  # without the tool it scrubs
    has(page, hidden="40-79", selection="")
    expect(timeline(page)).to_have_attribute(
        "aria-valuenow", re.compile("^(9[0-9]|1[01][0-9]|100)$")
    )
    tool(page, "Edit").click()
    drag(page, 90, 100)
    has(page, selection="90-100")
    tool(page, "Hide").click()
    has(page, hidden="40-79,90-100")
    says(page, "span:40-79+hide:90-100")
    drag(page, 35, 50)
    page.keyboard.press("k")
    has(page, hidden="51-79,90-100")
    says(page, "span:40-79+hide:90-100+known:35-50")
    page.keyboard.press("Control+z")
    has(page, hidden="40-79,90-100")
    says(page, "span:40-79+hide:90-100")
    tool(page, "Undo").click()
    has(page, hidden="40-79")
    says(page, "span:40-79")
    expect(tool(page, "Undo")).to_be_disabled()
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+Shift+z")
    has(page, hidden="51-79,90-100")
    says(page, "span:40-79+hide:90-100+known:35-50")
    tool(page, "Clear").click()
    has(page, hidden="40-79")
    page.keyboard.press("Control+z")
    says(page, "span:40-79+hide:90-100+known:35-50")


def test_a_gap_is_dragged_by_its_edges(open_):
    page = open_()
    tool(page, "Edit").click()
    timeline(page).scroll_into_view_if_needed()
    box = timeline(page).bounding_box()
    for edge, goal, hidden, spec in (
        (80, 89.5, "40-89", "span:40-79+hide:80-89"),
        (40, 45.5, "45-89", "span:40-79+hide:80-89+known:40-44"),
    ):
        start, end = (box["x"] + box["width"] * place / FRAMES for place in (edge, goal))
        page.mouse.move(start, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(end, box["y"] + 40)
        page.mouse.up()
        has(page, hidden=hidden, selection="")
        says(page, spec)


def test_an_edit_is_seen_before_the_server_answers_and_moves_nothing(open_):
    page = open_()
    page.keyboard.press("Escape")
    tool(page, "Edit").click()
    drag(page, 90, 90)  # a click: selects the frame and goes there
    has(page, selection="90-90")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "90")
    mounted = page.evaluate_handle(
        "() => document.querySelector('[data-testid=stBidiComponentRegular]')"
    )
    seen = timeline(page).evaluate("""(node) => new Promise((resolve) => {
        const from = performance.now();
        new MutationObserver(() => resolve([node.dataset.hidden, performance.now() - from]))
          .observe(node, { attributes: true, attributeFilter: ['data-hidden'] });
        const hide = [...node.getRootNode().querySelectorAll('.edit button')].find((b) => b.textContent === 'Hide');
        hide.click();
    })""")
    assert seen[0] == "40-79,90-90"
    assert seen[1] < 500
    says(page, "span:40-79+hide:90")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "90")
    assert mounted.evaluate("(node) => node === null || node.isConnected")


def test_pins_outlive_another_pattern_and_wider_hiding(open_):
    page = open_()
    tool(page, "Edit").click()
    drag(page, 50, 52)
    tool(page, "Pin").click()
    has(page, hidden="40-49,53-79", pinned="50,51,52")
    expect(tool(page, "Unpin")).to_be_visible()
    drag(page, 45, 60)
    tool(page, "Hide").click()
    says(page, "span:40-79+pin:50-52+hide:45-60")
    has(page, hidden="40-49,53-79", pinned="50,51,52")
    page.get_by_test_id("stSelectbox").filter(has_text="Hide").get_by_role("combobox").click()
    page.get_by_role("option", name="The first frame").click()
    says(page, "first+pin:50-52+hide:45-60")
    has(page, hidden="0-0,45-49,53-60", pinned="50,51,52")


def test_a_pose_is_pasted_a_gap_made_longer_and_recover_fills_it(open_):
    page = open_()
    tool(page, "Edit").click()
    drag(page, 10, 10)
    page.keyboard.press("c")
    drag(page, 60, 60)
    tool(page, "Paste pose").click()
    has(page, hidden="40-59,61-79", keyframes="60")
    expect(page.get_by_text("inserted pose", exact=True)).to_be_visible()
    says(page, "span:40-79+pose:60=10")
    drag(page, 90, 99)
    page.keyboard.press("t")
    page.get_by_label("Frames of the gap").fill("25")
    page.keyboard.press("Enter")
    says(page, "span:40-79+pose:60=10+retime:90-99=25")
    has(page, hidden="40-59,61-79,90-114", keyframes="60", selection="")
    expect(timeline(page)).to_have_attribute("aria-valuemax", "134")
    expect(page.get_by_text("25 frames lie in gaps whose length was changed")).to_be_visible()
    page.get_by_role("button", name="Recover").click()
    expect(page.get_by_role("heading", name="Error", exact=True)).to_be_visible()
    expect(
        page.get_by_text("hidden values (frames × joints) that were recorded, of 1,536")
    ).to_be_visible()
    box = timeline(page).bounding_box()
    page.mouse.click(box["x"] + box["width"] * 100.5 / 135, box["y"] + 5)  # the ruler goes there
    expect(page.locator(".name[data-role=truth]").get_by_text("not recorded")).to_be_visible()


def test_a_link_with_edits_opens_with_them_and_limbs_are_chosen_by_keyboard(open_):
    page = open_("every:20%2Bpin:5%2Bpose:30=2%2Bretime:50-59=20", width=900, dark=True)
    has(
        page,
        hidden="1-4,6-19,21-29,31-39,41-69,71-89,91-109,111-129",
        pinned="5",
        keyframes="0,5,20,30,40,70,90,110",
    )
    tool(page, "Edit").click()
    page.get_by_role("button", name="Whole body").click()
    arm = page.get_by_role("checkbox", name="Left arm")
    arm.focus()
    page.keyboard.press("Enter")
    expect(arm).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Escape")
    expect(arm).not_to_be_visible()
    timeline(page).focus()
    for key in ("ArrowLeft", "Home", "h"):  # a step stops the dance
        page.keyboard.press(key)
    says(page, "every:20+pin:5+pose:30=2+retime:50-59=20+hide:0@left_arm")
    has(page, hidden="0-4,6-19,21-29,31-39,41-69,71-89,91-109,111-129")


def key(page: Page, frame: int) -> Locator:
    """The diamond of a keyframe."""
    return page.get_by_role("listbox", name="Keyframes").get_by_role(
        "option", name=re.compile(rf"^Keyframe at frame {frame},")
    )


def test_keyframes_are_selected_moved_copied_and_deleted(open_):
    page = open_("every:20%2Bpin:50")
    has(page, keyframes="0,20,40,50,60,80,100")
    expect(key(page, 50)).to_have_attribute("aria-label", "Keyframe at frame 50, pinned")
    key(page, 40).click()
    key(page, 60).click(modifiers=["Shift"])
    expect(page.get_by_text("Selected: 2 keyframes")).to_be_visible()
    expect(key(page, 40)).to_have_attribute("aria-selected", "true")
    key(page, 40).scroll_into_view_if_needed()
    box, strip = key(page, 40).bounding_box(), timeline(page).bounding_box()
    page.mouse.move(box["x"] + 9, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + 9 + strip["width"] * 4 / FRAMES, box["y"] + 12, steps=3)
    page.mouse.up()
    has(page, keyframes="0,20,44,50,64,80,100")
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    says(page, "every:20+pin:50+move:40,60=42")
    expect(key(page, 42)).to_be_focused()
    page.keyboard.press("Control+c")
    expect(timeline(page)).to_have_attribute("aria-valuenow", "42")
    page.keyboard.press("ArrowDown")  # to the pinned one at 50
    page.keyboard.press("Control+v")
    says(page, "every:20+pin:50+move:40,60=42+pose:70=62+pose:50=42")
    has(page, keyframes="0,20,42,50,62,70,80,100", pinned="50")
    page.keyboard.press("Delete")  # what was pasted is selected
    says(page, "every:20+pin:50+move:40,60=42+pose:70=62+pose:50=42+unpin:50,70+hide:50,70")
    has(page, keyframes="0,20,42,62,80,100", pinned="")
    page.keyboard.press("Control+z")
    has(page, keyframes="0,20,42,50,62,70,80,100")


def test_a_pose_is_made_by_numbers_rings_and_a_dragged_hand(open_):
    page = open_("span:40-79", dark=True)
    tool(page, "Edit").click()
    drag(page, 60, 60)
    page.keyboard.press("j")  # a hidden frame is pinned first
    panel = page.get_by_role("group", name="Make a pose")
    expect(panel).to_have_attribute("data-ready", "60")
    says(page, "span:40-79+pin:60")
    has(page, hidden="40-59,61-79", keyframes="60")
    body = page.locator("canvas[data-panel]").nth(1)

    def changes(act) -> None:
        """The act is seen at once, and the server makes the same pose of it."""
        before = body.get_attribute("data-checksum")
        act()
        expect(body).not_to_have_attribute("data-checksum", before)

    panel.get_by_label("Joint to turn").select_option(label="left elbow")
    changes(lambda: panel.get_by_label("Turn Y, degrees").fill("-80"))
    seen = body.get_attribute("data-checksum")
    angles = [panel.get_by_label(f"Turn {axis}, degrees").input_value() for axis in "XZ"]
    says(page, f"span:40-79+pin:60+pose:60={angles[0]},-80,{angles[1]}@left_elbow")
    expect(body).to_have_attribute("data-checksum", seen)
    panel.get_by_label("Joint to turn").select_option(label="left wrist")
    changes(lambda: panel.get_by_label("Place Y, centimetres").fill("140"))
    edit = page.get_by_role("toolbar", name="Edit hidden frames and poses")
    expect(edit).to_have_attribute("data-spec", re.compile("@left_shoulder.*@left_wrist$"))

    def undone() -> None:
        page.keyboard.press("Control+z")
        says(page, f"span:40-79+pin:60+pose:60={angles[0]},-80,{angles[1]}@left_elbow")
        expect(body).to_have_attribute("data-checksum", seen)

    def dragged(joint: str, spot: str, made: str) -> None:
        """The square on a joint, or a ring about it, where it is on the stage."""
        panel.get_by_label("Joint to turn").select_option(label=joint)
        x, y = body.evaluate(
            """(canvas, spot) => {
              const tool = canvas.closest(".viewer").poseTool, panel = tool.edit.viewer.panels[1];
              const box = canvas.getBoundingClientRect();
              const [x, y] = spot === "square" ? tool.spot(panel) : tool.ring(panel.view, 1)[0];
              return [box.x + x, box.y + y];
            }""",
            spot,
        )
        page.mouse.move(x, y)
        page.mouse.down()
        changes(lambda: page.mouse.move(x + 14, y - 16, steps=3))
        page.mouse.up()
        expect(edit).to_have_attribute("data-spec", re.compile(made))
        undone()

    undone()
    dragged("left wrist", "square", "@left_shoulder")
    dragged("left wrist", "ring", "@left_wrist$")
    # The body is moved by its hips.
    dragged("pelvis", "square", r"\+place:60=[-\d.,]+$")
    changes(lambda: panel.get_by_label("Place Y, centimetres").fill("70"))
    expect(edit).to_have_attribute("data-spec", re.compile(r"place:60=[-\d.]+,0\.7,[-\d.]+$"))
    undone()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
