import { X509Certificate } from 'node:crypto';
import { Command } from 'commander';

const ISSUE_TIMEOUT_MS = 30_000;

interface CertsSettings {
  readonly certificateDirectory: string;
  readonly dnsName: readonly string[];
  readonly ipAddress: readonly string[];
}

export function certsCommand(): Command {
  return new Command('certs')
    .description('issue or renew serving certificates in a directory and show what is there; never prints a key')
    .requiredOption('--certificate-directory <dir>', 'directory that keeps CA, certificate and path')
    .option('--dns-name <names...>', 'names that the certificate is valid for', ['localhost'])
    .option('--ip-address <addresses...>', 'addresses that it is valid for', ['127.0.0.1'])
    .action(showCertificates);
}

async function showCertificates({ certificateDirectory, dnsName, ipAddress }: CertsSettings): Promise<void> {
  const [{ createDirectorySource }, { createLogger }] = await Promise.all([
    import('../../certs/directory-source.ts'),
    import('../telemetry/logger.ts'),
  ]);
  const source = createDirectorySource({
    directory: certificateDirectory,
    names: { dnsNames: dnsName, ipAddresses: ipAddress },
    logger: createLogger('error'),
  });
  const { certificatePem, caBundlePem } = await source.load(AbortSignal.timeout(ISSUE_TIMEOUT_MS));
  const leaf = new X509Certificate(certificatePem);
  const authorities = caBundlePem.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0;
  const lines = [
    ['valid for', leaf.subjectAltName ?? '-'],
    ['valid until', new Date(leaf.validTo).toISOString()],
    ['SHA-256', leaf.fingerprint256],
    ['CAs in bundle', String(authorities)],
  ];
  process.stdout.write(lines.map(([name = '', value]) => `${name.padEnd(14)} ${value}\n`).join(''));
}
