// Inline SVG icons on a 20 x 20 grid: servers have no emoji fonts.

const ICON_PATHS = {
  play: '<path d="M6 3.8v12.4a.6.6 0 0 0 .92.5l9.6-6.2a.6.6 0 0 0 0-1L6.92 3.3A.6.6 0 0 0 6 3.8z" fill="currentColor"/>',
  pause:
    '<rect x="5" y="3.5" width="3.6" height="13" rx="1" fill="currentColor"/><rect x="11.4" y="3.5" width="3.6" height="13" rx="1" fill="currentColor"/>',
  previous: '<path d="M14.5 4.6v10.8L7 10z" fill="currentColor"/><path d="M5 4.5v11"/>',
  next: '<path d="M5.5 4.6v10.8L13 10z" fill="currentColor"/><path d="M15 4.5v11"/>',
  loop: '<path d="M4 9.5V9a3.5 3.5 0 0 1 3.5-3.5H16M13.5 3 16 5.5 13.5 8M16 10.5v.5a3.5 3.5 0 0 1-3.5 3.5H4M6.5 17 4 14.5 6.5 12"/>',
  overlay: '<circle cx="8" cy="10" r="4.6"/><circle cx="12" cy="10" r="4.6"/>',
  soundOn:
    '<path d="M3.5 8v4h2.8L10 15.2V4.8L6.3 8z" fill="currentColor"/><path d="M12.8 7.4a3.8 3.8 0 0 1 0 5.2M15 5.2a7 7 0 0 1 0 9.6"/>',
  soundOff:
    '<path d="M3.5 8v4h2.8L10 15.2V4.8L6.3 8z" fill="currentColor"/><path d="m13 8 4 4m0-4-4 4"/>',
  full: '<path d="M3.5 7.5v-4h4M16.5 7.5v-4h-4M3.5 12.5v4h4M16.5 12.5v4h-4"/>',
  bone: '<path d="M6.6 11.2 11.2 6.6a2 2 0 1 1 3.4-1.2 2 2 0 1 1-1.2 3.4L8.8 13.4a2 2 0 1 1-3.4 1.2 2 2 0 1 1 1.2-3.4z"/>',
  camera:
    '<rect x="2.5" y="6" width="10" height="8.5" rx="1.6"/><path d="m12.5 9.4 4.6-2.6v7l-4.6-2.6"/>',
  frame:
    '<path d="M3.5 6.5v-3h3M16.5 6.5v-3h-3M3.5 13.5v3h3M16.5 13.5v3h-3"/><circle cx="10" cy="7.2" r="1.7"/><path d="M10 9v4M7.4 10.4h5.2M10 13l-1.6 2.6M10 13l1.6 2.6"/>',
  edit: '<path d="M3.5 16.5l.9-3.6L13.6 3.7a1.6 1.6 0 0 1 2.3 0l.4.4a1.6 1.6 0 0 1 0 2.3L7.1 15.6z"/><path d="M12 5.5 14.5 8"/>',
  undo: '<path d="M7.5 4 4 7.5 7.5 11"/><path d="M4.5 7.5h7a4.5 4.5 0 0 1 0 9H8"/>',
  redo: '<path d="M12.5 4 16 7.5 12.5 11"/><path d="M15.5 7.5h-7a4.5 4.5 0 0 0 0 9H12"/>',
  body: '<circle cx="10" cy="4.4" r="2"/><path d="M5.2 8.6h9.6M10 7.4v5M10 12.2 7.4 17.4M10 12.2l2.6 5.2"/>',
  copy: '<rect x="7" y="7" width="9.5" height="9.5" rx="1.6"/><path d="M13 7V5a1.5 1.5 0 0 0-1.5-1.5H5A1.5 1.5 0 0 0 3.5 5v6.5A1.5 1.5 0 0 0 5 13h2"/>',
  help: '<path d="M7.6 7.6a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.2.9-1.2 1.8"/><circle cx="10" cy="14.4" r=".6" fill="currentColor"/>',
};

function icon(name) {
  const span = el("span", { class: "icon", "aria-hidden": "true" });
  span.innerHTML = `<svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.7"
    stroke-linecap="round" stroke-linejoin="round">${ICON_PATHS[name]}</svg>`;
  return span;
}
