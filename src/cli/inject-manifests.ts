import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import type { PatchOperation } from '../api/admission.ts';
import type { ExternalSecret } from '../api/external-secrets.ts';
import type { ManifestDocument, ManifestObject } from '../cluster/folder/manifests.ts';
import { printDocument } from '../cluster/folder/yaml.ts';
import { applyOperations, provenanceOperations, withProvenance } from '../core/admission/patch.ts';
import { asLatchkeyError } from '../core/errors.ts';
import { printable } from '../core/names.ts';
import { printPatched } from './patch-document.ts';
import { openSession, type Session, type SessionSettings } from './session.ts';
import { workloadOf, type Workload } from './workloads.ts';

export interface InjectSettings extends SessionSettings {
  readonly diff?: boolean;
}

/** False when a workload would be denied: it is printed as it was, and what would be said about it goes to stderr. */
export async function inject(settings: InjectSettings): Promise<boolean> {
  const session = await openSession(settings);
  try {
    const run = new Injection(session, settings.diff === true);
    for (const document of session.documents) await run.print(document);
    run.printGenerated();
    return run.isAllowed;
  } finally {
    await session.close();
  }
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

class Injection {
  readonly #session: Session;
  readonly #isDiff: boolean;
  readonly #generated = new Map<string, ExternalSecret>();
  #isFirst = true;
  isAllowed = true;

  constructor(session: Session, isDiff: boolean) {
    this.#session = session;
    this.#isDiff = isDiff;
  }

  async print(document: Session['documents'][number]): Promise<void> {
    const operations: PatchOperation[] = [];
    const descriptions: string[] = [];
    for (const each of document.objects) {
      const { changes, description } = await this.#review(each);
      operations.push(...changes);
      descriptions.push(description);
    }
    const [before, after] = textsOf(document, operations);
    if (this.#isDiff) this.#printDiff(descriptions.join(', '), before, after);
    else this.#write(after);
  }

  /** What inline references need beside the pods: without a cluster nobody else will have made it. */
  printGenerated(): void {
    for (const [id, externalSecret] of this.#generated) {
      const text = printDocument(externalSecret);
      if (this.#isDiff) this.#printDiff(`ExternalSecret ${id}`, '', text);
      else this.#write(text);
    }
  }

  async #review({ object, pointer }: ManifestObject): Promise<{ changes: PatchOperation[]; description: string }> {
    const description = `${object.kind} ${printable(object.metadata.name ?? '?')}`;
    let workload: Workload | undefined;
    try {
      workload = workloadOf(object);
      const review = workload === undefined ? undefined : await this.#session.review(workload, true);
      if (workload === undefined || review?.state !== 'reviewed') return { changes: [], description };
      const { decision, pod } = review;
      decision.warnings.forEach(say);
      if (!decision.allowed) {
        this.#deny(decision.message);
        return { changes: [], description };
      }
      for (const each of review.generated) {
        this.#generated.set(`${each.metadata.namespace}/${each.metadata.name}`, each);
      }
      // Provenance is written on pods; in a template it would be taken for that of the pod it was copied from.
      const provenance =
        workload.pointer === ''
          ? provenanceOperations(pod, withProvenance(pod, decision.status, decision.versions))
          : [];
      const at = `${pointer}${workload.pointer}`;
      const changes = [...review.operations, ...provenance].map((each) => ({ ...each, path: `${at}${each.path}` }));
      return { changes, description };
    } catch (cause) {
      const error = asLatchkeyError(cause);
      const where = workload?.description ?? description;
      this.#deny(`latchkey: ${where}: ${error.message} [${error.code}]`);
      return { changes: [], description };
    }
  }

  #deny(message: string): void {
    this.isAllowed = false;
    say(message);
  }

  #write(text: string): void {
    if (text.trim() === '') return;
    const separator = this.#isFirst || /^(---|\s*\n---)/.test(text) ? '' : '---\n';
    this.#isFirst = false;
    process.stdout.write(`${separator}${text}${text.endsWith('\n') ? '' : '\n'}`);
  }

  #printDiff(description: string, before: string, after: string): void {
    if (before === after) return;
    const options = { headerOptions: FILE_HEADERS_ONLY };
    const names = [`as it is: ${description}`, `as admitted: ${description}`] as const;
    process.stdout.write(createTwoFilesPatch(...names, before, after, undefined, undefined, options));
  }
}

function textsOf(
  document: Session['documents'][number],
  operations: readonly PatchOperation[],
): readonly [before: string, after: string] {
  if (isFromText(document)) return printPatched(document, operations);
  const objects = document.objects.map(({ object }) => object);
  return [
    objects.map(printDocument).join(''),
    objects.map((object) => printDocument(applyOperations(object, operations))).join(''),
  ];
}

function isFromText(document: Session['documents'][number]): document is ManifestDocument {
  return 'source' in document;
}
