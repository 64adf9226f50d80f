/**
 * The floor: the least a webhook in Node can do. Reads the review, answers a constant patch of two annotations; no
 * framework, no decisions. Latchkey is measured against it.
 *   node floor.ts <port> <certificate file> <key file>
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [port = '', certificateFile = '', keyFile = ''] = process.argv.slice(2);
const patch = Buffer.from(
  JSON.stringify([
    { op: 'add', path: '/metadata/annotations/latchkey.dev~1status', value: 'fresh' },
    { op: 'add', path: '/metadata/annotations/latchkey.dev~1secrets', value: '{"bench":"0123456789abcdef"}' },
  ]),
).toString('base64');

const server = createServer(
  { cert: readFileSync(certificateFile), key: readFileSync(keyFile), minVersion: 'TLSv1.2', keepAliveTimeout: 150_000 },
  (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string } };
      const answer = JSON.stringify({
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: review.request.uid, allowed: true, patchType: 'JSONPatch', patch },
      });
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
      response.end(answer);
    });
  },
);
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));
