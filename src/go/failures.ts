import { LatchkeyError, type ErrorCode } from '../core/errors.ts';
import { YAML_FAULTS } from './yaml-faults.ts';

/** What a regular expression can lack, by the text of Go's regexp/syntax, which never leaves here. */
const EXPRESSION_FAULTS: Readonly<Record<string, string>> = {
  'invalid character class': 'a character class in it is wrong',
  'invalid character class range': 'a range in a character class runs backwards or is none',
  'invalid escape sequence': 'RE2 does not know an escape sequence in it',
  'invalid named capture': 'the name of a group is wrong or stands there twice',
  'invalid or unsupported Perl syntax': 'RE2 has no look-around and no backreferences, nor what else begins with (?',
  'invalid nested repetition operator': 'a repetition is repeated again',
  'invalid repeat count': 'something is to be repeated more than 1000 times, or {n,m} runs backwards',
  'invalid UTF-8': 'it is not valid UTF-8',
  'missing closing ]': 'a [ is not closed',
  'missing closing )': 'a ( is not closed',
  'missing argument to repetition operator': 'nothing stands before a repetition',
  'trailing backslash at end of expression': 'it ends in a backslash',
  'unexpected )': 'a ) has no (',
  'expression nests too deeply': 'its groups are nested too deeply',
  'expression too large': 'it becomes too large',
};

/** What the library itself reports as the response's status, in our own words. */
export function reportedFailure(code: ErrorCode, kind: string, detail: string): LatchkeyError {
  if (kind === 'expression') {
    return new LatchkeyError(
      code,
      `the regular expression cannot be read: ${EXPRESSION_FAULTS[detail] ?? 'RE2 refuses it'}`,
    );
  }
  if (kind === 'too-large') return new LatchkeyError(code, 'what comes out is larger than 8 MiB');
  const sentence = YAML_FAULTS[kind];
  if (sentence === undefined) return new LatchkeyError(code, 'the Go library for it failed');
  return new LatchkeyError(code, detail === '' ? sentence : `${sentence}: line ${detail}`);
}
