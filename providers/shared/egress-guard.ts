/**
 * Where a URL out of an object may lead. Whoever may write a store chooses the host that Latchkey connects to, from inside
 * the cluster and with the pod's network identity: without a guard that is a way to the node's metadata service and to
 * Latchkey's own ports. Private addresses are fine, an in-cluster backend is the norm.
 *
 * Through a proxy it is the proxy that resolves names and connects, and what a name then leads to is near the proxy, not
 * near Latchkey. Addresses that are spelled out, and the names below, are refused all the same.
 */
import { lookup as resolveName } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { LatchkeyError } from '../../src/core/errors.ts';
import { printable } from '../../src/core/names.ts';

/** A URL that has passed the guard, and how its host is to be resolved. */
export interface GuardedUrl {
  readonly url: URL;
  /** For the agent's connections; looks at every address at the moment of connecting. `undefined` = no limits. */
  readonly lookup: LookupFunction | undefined;
}

/** Name resolution as `dns.lookup` does it, with all addresses. */
export type ResolveAll = (
  host: string,
  options: { readonly all: true; readonly family: number },
  callback: (error: NodeJS.ErrnoException | null, addresses: readonly { address: string; family: number }[]) => void,
) => void;

/** Networks by what messages call them. An IPv4 rule holds for its IPv4-mapped IPv6 form too. */
const REFUSED: readonly (readonly [kind: string, networks: readonly string[]])[] = [
  ['a loopback', ['127.0.0.0/8', '0.0.0.0/8', '::1/128', '::/128']],
  ['a link-local', ['169.254.0.0/16', 'fe80::/10']],
  // EC2 over IPv6, Alibaba Cloud, Azure's WireServer, Oracle Cloud: the metadata services outside the link-local range.
  ['a metadata service’s', ['fd00:ec2::/32', '100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32']],
  // What a NAT64 gateway (RFC 6052) and the old IPv4-compatible form (RFC 4291 §2.5.5.1) make of the above.
  ['a translated local', ['64:ff9b::7f00:0/104', '64:ff9b::a9fe:0/112', '::/96']],
];

/** Names that lead to the above wherever they are resolved: RFC 6761 §6.3, Google's, Amazon's and Oracle's services. */
const REFUSED_NAMES: readonly (readonly [kind: string, names: RegExp])[] = [
  ['a loopback', /^(.+\.)?localhost\.?$/],
  [
    'a metadata service’s',
    /^(metadata|metadata\.google\.internal|metadata\.oraclecloud\.com|instance-data(\..+)?)\.?$/,
  ],
];

const LISTS = REFUSED.map(([kind, networks]) => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return { kind, list };
});

/**
 * Checks a URL out of an object.
 * @param field where it stands, for messages: `spec.provider.vault.server`.
 * @param allowedHosts the hosts that the operator lists (`--allowed-backend-hosts`), as `URL.hostname` spells them: any
 * address and plain http are theirs to allow.
 * @throws LatchkeyError `InvalidProviderConfig`.
 */
export function guardUrl(text: string, field: string, allowedHosts: readonly string[]): GuardedUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw refusal(`${field} must be a URL of the form https://host:port`);
  }
  if (url.username !== '' || url.password !== '') throw refusal(`${field} must not hold a user name or password`);
  const { hostname } = url;
  if (allowedHosts.includes(hostname)) return { url, lookup: undefined };
  if (url.protocol !== 'https:') throw refusal(`${field} must be https${unlessListed(hostname)}`);
  const literal = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(literal) !== 0) checkAddress(literal, field, hostname);
  const kind = REFUSED_NAMES.find(([, names]) => names.test(hostname))?.[0];
  if (kind !== undefined) throw leadsTo(kind, field, hostname);
  return { url, lookup: guardedLookup(field, hostname) };
}

/** A `lookup` for an agent that refuses a name as soon as one of its addresses is refused. */
export function guardedLookup(field: string, listedAs: string, resolve: ResolveAll = resolveName): LookupFunction {
  return (host, options, callback) => {
    const family = { IPv4: 4, IPv6: 6 }[options.family as string] ?? Number(options.family ?? 0);
    resolve(host, { all: true, family }, (error, found) => {
      const addresses = [...(found ?? [])];
      const [first] = addresses;
      try {
        if (error !== null) throw error;
        for (const { address } of addresses) checkAddress(address, field, listedAs);
        if (first === undefined) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
      } catch (refused) {
        callback(refused as NodeJS.ErrnoException, '');
        return;
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function checkAddress(address: string, field: string, host: string): void {
  // A zone names an interface of this machine, not another address.
  const bare = address.replace(/%.*$/s, '');
  const family = isIP(bare) === 6 ? 'ipv6' : 'ipv4';
  // What cannot be judged is refused: BlockList finds nothing wrong with what is no address.
  const kind = isIP(bare) === 0 ? 'an unreadable' : LISTS.find(({ list }) => list.check(bare, family))?.kind;
  if (kind === undefined) return;
  throw leadsTo(kind, field, host);
}

function leadsTo(kind: string, field: string, host: string): LatchkeyError {
  return refusal(`${field} leads to ${kind} address, which stores may not use${unlessListed(host)}`);
}

function unlessListed(host: string): string {
  return `, unless Latchkey is started with --allowed-backend-hosts ${printable(host)}`;
}

function refusal(message: string): LatchkeyError {
  return new LatchkeyError('InvalidProviderConfig', message);
}
