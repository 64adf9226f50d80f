/** Lines whose cells stand below each other: columns as wide as their widest cell in `table`, a last one of any width. */
export function lineFormatter(table: readonly (readonly string[])[]): (cells: readonly string[]) => string {
  const columns = Math.max(0, ...table.map(({ length }) => length));
  const widths = Array.from({ length: columns }, (_, column) => {
    return Math.max(...table.map((row) => row[column]?.length ?? 0));
  });
  return (cells) => {
    const padded = cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
    return `${padded.join('  ').trimEnd()}\n`;
  };
}

/** Green or red, on a terminal. */
export function coloured(text: string, isGood: boolean, isColoured: boolean): string {
  return isColoured ? `\u001b[${isGood ? 32 : 31}m${text}\u001b[0m` : text;
}

/** May what goes to standard output have colours? */
export function wantsColours(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '';
}
