import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidSetting } from './settings.ts';

const POLL_MS = 10_000;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * PEM of the authorities in the file of `--client-ca`.
 * @throws InvalidSetting naming flag and file when it holds no certificate, or something else as well.
 */
export async function readClientAuthority(file: string, signal: AbortSignal): Promise<string> {
  const text = await readFile(file, { encoding: 'utf8', signal }).catch(() => {
    throw new InvalidSetting(`--client-ca: ${file} cannot be read`);
  });
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new InvalidSetting(`--client-ca: ${file} holds no certificate in PEM`);
  blocks.forEach((block, index) => {
    if (!isCertificate(block)) throw new InvalidSetting(`--client-ca: block ${index + 1} of ${file} is no certificate`);
  });
  return `${blocks.join('\n')}\n`;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

export interface FollowOptions {
  readonly known: string;
  readonly onChange: (pem: string) => void;
  /** Called once for each way in which the file cannot be used; the last authorities stay. */
  readonly onUnusable: () => void;
  readonly signal: AbortSignal;
  readonly pollMs?: number;
}

/** Calls back when the file holds other authorities, until `signal` aborts. */
export async function followClientAuthority(
  file: string,
  { known, onChange, onUnusable, signal, pollMs = POLL_MS }: FollowOptions,
): Promise<void> {
  let last = known;
  let complaint = '';
  // Polled: mounts of ConfigMaps and Secrets change by symbolic link, which file watchers lose.
  while (await isTime(pollMs, signal)) {
    try {
      const next = await readClientAuthority(file, signal);
      complaint = '';
      if (next !== last) onChange((last = next));
    } catch (error) {
      const { message } = error as Error;
      if (!signal.aborted && message !== complaint) onUnusable();
      complaint = message;
    }
  }
}

/** False as soon as the signal aborts. */
function isTime(afterMs: number, signal: AbortSignal): Promise<boolean> {
  return sleep(afterMs, true, { signal, ref: false }).catch(() => false);
}
