import { parseAllDocuments, stringify, type Document, type Tags } from 'yaml';

/** Aliases that expand to more than this are an attack, not a manifest. */
export const MOST_ALIASES = 100;

/**
 * YAML as kubectl reads it (sigs.k8s.io/yaml over go-yaml v2): 1.1 with its octal `0400`, its `yes` and `on` and its merge
 * keys, but without times, base 60 and the collections of 1.1, which go-yaml takes for strings or does not know.
 */
export function parseDocuments(text: string): readonly Document[] {
  const documents = parseAllDocuments(text, {
    version: '1.1',
    schema: 'yaml-1.1',
    merge: true,
    customTags: asGoYaml,
    prettyErrors: true,
    // What the parser warns of it quotes, and goes to stderr.
    logLevel: 'error',
  });
  return Array.isArray(documents) ? documents : [];
}

/** YAML that a reader of 1.1 and one of 1.2 take for the same. */
export function printDocument(object: object): string {
  return `---\n${stringify(object, { lineWidth: 0, version: '1.1', schema: 'yaml-1.1' })}`;
}

/** A document after a change, in the manner of the text it came from. */
export function printLike(document: Document, source: string): string {
  const [, indent = ''] = /^[^\s#-][^\n]*:[ \t]*\n( +)\S/m.exec(source) ?? [];
  // `key:` and below it `- item` at the same depth, as most tools for Kubernetes write it.
  const indentSeq = !/^( *)[^\s#-][^\n]*:[ \t]*(?:#[^\n]*)?\n(?:[ \t]*#[^\n]*\n)*\1- /m.test(source);
  return document.toString({
    lineWidth: 0,
    indentSeq,
    indent: indent.length || 2,
    flowCollectionPadding: /\{ /.test(source),
  });
}

const LEFT_OUT = /:(timestamp|binary|omap|pairs|set)$/;

function asGoYaml(tags: Tags): Tags {
  return tags.filter((tag) => {
    if (typeof tag === 'string') return true;
    const isBase60 = 'format' in tag && tag.format === 'TIME';
    return !isBase60 && !LEFT_OUT.test(tag.tag);
  });
}
