// Saves an attention map as an image. See attention.js.

/** Downloads the map as a PNG at twice its size on screen, with a caption above it. */
function saveMap(map, header, high) {
  const { width, height } = map.size;
  const room = 34; // height of the caption, CSS pixels
  const ratio = 2;
  const canvas = el("canvas", {
    width: Math.round(width * ratio),
    height: Math.round((height + room) * ratio),
  });
  const part = el("canvas", { width: canvas.width, height: Math.round(height * ratio) }),
    context = canvas.getContext("2d");
  const draw = (paint) => {
    const inner = part.getContext("2d");
    inner.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint(inner);
    context.drawImage(part, 0, room * ratio);
  };
  context.fillStyle = css(map.theme.bg);
  context.fillRect(0, 0, canvas.width, canvas.height);
  draw((inner) => map.paintStill(inner));
  draw((inner) => map.paintMoving(inner));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = `600 14px ${map.theme.font}`;
  context.fillStyle = css(map.theme.text);
  context.fillText(header.label, 12, 21);
  const after = 12 + context.measureText(header.label).width + 12;
  context.font = `12px ${map.theme.font}`;
  context.fillStyle = css(map.theme.muted);
  context.fillText(`${header.title} · ${map.log ? "log" : "linear"} scale to ${high}`, after, 21);
  canvas.toBlob((blob) => {
    const link = el("a", { href: URL.createObjectURL(blob), download: `${header.name}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }, "image/png");
}
