import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below every system's ephemeral range (Linux 32768, others 49152), so that no outgoing connection takes a port between
// the moment it is found free here and the moment its server binds it.
const lowest = 12_000;
const highest = 32_000;
const attempts = 100;

/** Finds `count` different TCP ports that nothing listens on at `host`. */
export async function findFreePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const found = new Set<number>();
  for (let attempt = 0; found.size < count; attempt++) {
    if (attempt >= attempts * count) throw new Error(`found no ${count} free ports at ${host}`);
    const port = randomInt(lowest, highest);
    if (!found.has(port) && (await isFree(port, host))) found.add(port);
  }
  return [...found];
}

/** Finds one TCP port that nothing listens on at `host`. */
export async function findFreePort(host = '127.0.0.1'): Promise<number> {
  const [port] = await findFreePorts(1, host);
  if (port === undefined) throw new Error(`found no free port at ${host}`);
  return port;
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
