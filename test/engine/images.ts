import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type Docker from 'dockerode'

/** An image that contains only busybox, with the users root and dev (1000). About 2 MB. */
export const baseImage = 'vm-test/base:latest'
/** The base image with this machine's `node`. About 100 MB. */
export const nodeImage = 'vm-test/node:latest'

const busybox = '/bin/busybox'

/**
 * Creates `baseImage` on the engine unless it exists, from this machine's files and without a registry. Needs Debian's
 * `busybox-static`.
 */
export function ensureBaseImage(docker: Docker): Promise<void> {
  return ensureImage(docker, baseImage, fillBaseRoot)
}

/** Creates `nodeImage` on the engine unless it exists. */
export function ensureNodeImage(docker: Docker): Promise<void> {
  return ensureImage(docker, nodeImage, (root) => {
    fillBaseRoot(root)
    copyProgram(root, process.execPath, '/usr/bin/node')
  })
}

/** Tags the image `from` as `to`, such as `node:22-slim`, so that templates find it without a registry. */
export async function tagImage(docker: Docker, from: string, to: string): Promise<void> {
  const colon = to.lastIndexOf(':')
  await docker.getImage(from).tag({ repo: to.slice(0, colon), tag: to.slice(colon + 1) })
}

async function ensureImage(docker: Docker, image: string, fillRoot: (root: string) => void): Promise<void> {
  const exists = await docker
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    )
  if (exists) return
  const root = mkdtempSync(join(tmpdir(), 'vm-api-image-'))
  try {
    fillRoot(root)
    await importFolder(docker, root, image)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function fillBaseRoot(root: string): void {
  for (const folder of ['bin', 'usr/bin', 'etc', 'root', 'home/dev', 'tmp', 'proc', 'sys', 'dev', 'var/tmp']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  chmodSync(join(root, 'tmp'), 0o1777)
  copyFileSync(busybox, join(root, 'bin/busybox'))
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
  }
  symlinkSync('/bin/env', join(root, 'usr/bin/env'))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\ndev:x:1000:1000:dev:/home/dev:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\ndev:x:1000:\n')
}

/** Copies a program and its shared libraries, each library to its own path. */
function copyProgram(root: string, program: string, to: string): void {
  const libraries = [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(
    ([, path]) => path,
  )
  for (const [from, target] of [[program, to], ...libraries.map((path) => [path, path])]) {
    if (from === undefined || target === undefined) continue
    mkdirSync(join(root, dirname(target)), { recursive: true })
    copyFileSync(from, join(root, target))
  }
  chmodSync(join(root, to), 0o755)
}

/** Imports a folder as an image, with all files owned by root. */
async function importFolder(docker: Docker, root: string, image: string): Promise<void> {
  const tar = spawn('tar', ['-C', root, '--owner=0', '--group=0', '--numeric-owner', '-cf', '-', '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [repo, tag] = image.split(':')
  const changes = ['CMD ["/bin/sh"]', 'ENV PATH=/usr/bin:/bin']
  const stream = await docker.importImage(tar.stdout, { repo, tag, changes })
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error: Error | null) => (error ? reject(error) : resolve()))
  })
}
