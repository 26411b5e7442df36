import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type Docker from 'dockerode'

/** An image that contains only busybox, with the users root and dev (1000). About 2 MB. */
export const baseImage = 'vm-test/base:latest'

const busybox = '/bin/busybox'

/**
 * Creates `baseImage` on the engine unless it exists, from this machine's files and without a registry. Needs Debian's
 * `busybox-static`.
 */
export function ensureBaseImage(docker: Docker): Promise<void> {
  return ensureImage(docker, baseImage, fillBaseRoot)
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
