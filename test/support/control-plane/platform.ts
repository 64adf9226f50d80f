/** This machine as Go, and so every Kubernetes release, names it: `{ os: 'linux', arch: 'amd64' }`. */
export function goPlatform(): { os: string; arch: string } {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  return { os, arch };
}
