/**
 * Why no real node can be started here, or undefined when one must start. As root on Linux there is no excuse: whatever
 * is missing then is a failure and not a reason to skip.
 */
export function whyNoNode(): string | undefined {
  if (process.platform !== 'linux') return `a real node needs Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'a real node needs root: namespaces, mounts and cgroups';
  return undefined;
}
