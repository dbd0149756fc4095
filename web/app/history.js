// SPDX-License-Identifier: MIT

const keep = { fine: 300, coarse: 360 };

/** What was counted lately, gathered from the answers of `history`; `fine` and `coarse` are `{stepS, points}`. */
export class History {
  constructor() {
    this.fields = [];
    this.fine = { stepS: 1, points: [] };
    this.coarse = { stepS: 10, points: [] };
  }

  /** What to ask for next. From the last coarse point: asking from the last fine one would miss coarse ones. */
  get path() {
    const last = this.coarse.points.at(-1);
    return last ? `history?since=${last[0]}` : "history";
  }

  /** Takes in an answer. A host that started anew counts anew; its points are later ones all the same. */
  merge(answer) {
    this.fields = answer.fields;
    for (const name of ["fine", "coarse"]) {
      const points = new Map(this[name].points.map((point) => [point[0], point]));
      for (const point of answer[name].points) points.set(point[0], point);
      const sorted = [...points.values()].sort((a, b) => a[0] - b[0]);
      this[name] = { stepS: answer[name].step_s, points: sorted.slice(-keep[name]) };
    }
  }

  /** Columns for a chart: times, then each field; counts as rates where `perSecond` has the field. Gaps are nulls. */
  columns(name, fields, perSecond = []) {
    const { stepS, points } = this[name];
    const columns = [[], ...fields.map(() => [])];
    const indices = fields.map((field) => this.fields.indexOf(field));
    let previous = null;
    for (const point of points) {
      if (previous !== null && point[0] - previous > 3 * stepS) {
        columns.forEach((column, index) => column.push(index ? null : previous + stepS));
      }
      columns[0].push(point[0]);
      indices.forEach((at, index) => {
        const value = point[at] ?? null;
        columns[index + 1].push(value !== null && perSecond.includes(fields[index]) ? value / stepS : value);
      });
      previous = point[0];
    }
    return columns;
  }
}
