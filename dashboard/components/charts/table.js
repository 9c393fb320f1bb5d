// A table: a click on a column's head sorts it, a second click reverses the order. See table.py.

class SortedTable {
  constructor(root) {
    this.root = el("div", { class: "mmm sortedtable" });
    this.column = 0; // the first column of numbers; -1 is the column of names
    this.falling = false;
    this.named = false; // whether the user has sorted by any head, names included
    root.append(this.root);
  }

  update(component) {
    if (component.data === this.payload) return;
    this.payload = component.data;
    this.header = unpack(component.data).header;
    this.draw();
  }

  sortBy(column) {
    this.falling = this.column === column && !this.falling;
    this.column = column;
    this.draw();
    this.root.querySelectorAll("th button")[column + 1].focus();
  }

  ordered() {
    const { rows } = this.header,
      { column, falling } = this;
    const value = (row) => (column < 0 ? row.name : row.cells[column].value);
    if (column < 0 && !this.named) return rows;
    return [...rows].sort((a, b) => {
      const x = value(a),
        y = value(b);
      // Rows without a value come last in both orders.
      if (x === null || y === null) return (x === null) - (y === null);
      return (x < y ? -1 : x > y ? 1 : 0) * (falling ? -1 : 1);
    });
  }

  head(title, column, note) {
    const sorted = this.column === column && (column >= 0 || this.named);
    const button = el(
      "button",
      {
        type: "button",
        onclick: () => {
          this.named = true;
          this.sortBy(column);
        },
      },
      el("span", {}, title),
      sorted ? el("i", {}, this.falling ? "▼" : "▲") : null,
    );
    return el(
      "th",
      { scope: "col", "aria-sort": sorted ? (this.falling ? "descending" : "ascending") : "none" },
      button,
      note ? el("small", {}, note) : null,
    );
  }

  draw() {
    const { columns, rows } = this.header;
    const body = this.ordered().map((row) =>
      el(
        "tr",
        {},
        el(
          "th",
          { scope: "row" },
          el("i", { class: "dot", style: `background:${row.colour}` }),
          row.name,
        ),
        ...row.cells.map((cell) =>
          el(
            "td",
            { title: cell.note, class: cell.best ? "best" : cell.tie ? "tie" : null },
            el("span", {}, cell.text),
            cell.under ? el("small", {}, cell.under) : null,
          ),
        ),
      ),
    );
    this.root.replaceChildren(
      el(
        "table",
        { "aria-label": this.header.title },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            this.head("Method", -1, ""),
            ...columns.map((c, i) => this.head(c.title, i, c.note)),
          ),
        ),
        el("tbody", {}, ...body),
      ),
    );
    this.root.dataset.rows = rows.length;
  }

  destroy() {
    this.root.remove();
  }
}

export default mountOnce((root) => new SortedTable(root));
