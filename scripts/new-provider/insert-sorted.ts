/**
 * Puts a line into the block of lines that look alike, in their order.
 * @param alike what the lines of the block match.
 * @throws Error when there is no such block.
 */
export function insertSorted(text: string, alike: RegExp, line: string): string {
  const lines = text.split('\n');
  const block = lines.flatMap((each, index) => (alike.test(each) ? [index] : []));
  const last = block.at(-1);
  if (last === undefined) throw new Error(`there is no line like ${alike.source} to put another beside`);
  const at = block.find((index) => (lines[index] ?? '') > line) ?? last + 1;
  return lines.toSpliced(at, 0, line).join('\n');
}
