import { open } from 'node:fs/promises';

const tailBytes = 8 * 1024;

/** The last lines of a log file for an error message; a sentence instead when there is nothing to show. */
export async function readLogTail(file: string, lineCount = 20): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (size === 0) return '(it wrote nothing)';
    const start = Math.max(0, size - tailBytes);
    const buffer = Buffer.alloc(size - start);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-lineCount).join('\n');
  } finally {
    await handle.close();
  }
}
