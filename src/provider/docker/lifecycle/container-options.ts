import type Docker from 'dockerode'
import type { ResourceLimits, WorkspaceSpec } from '../../../workspace/spec.ts'

// Does nothing, exits at once on TERM, and reaps orphaned processes where there is no init. `sleep infinity` would be
// shorter, but a shell that waits for it in the foreground handles no signal until it exits.
const keepAliveCommand = ['/bin/sh', '-c', 'trap "exit 0" TERM INT; while :; do sleep 3600 & wait $!; done']

/**
 * The options of the container that `spec` describes. Its privileges:
 *
 * - Two of the engine's default capabilities are dropped. NET_RAW would let a workspace forge ARP and read its
 *   neighbours' traffic on the bridge, which `enable_icc=false` does not prevent; `ping` still works where it uses
 *   datagram sockets, but not where its binary relies on the capability. MKNOD is of no use without devices. The others
 *   remain: package managers chown, setuid and chroot, and `sudo` writes to the audit log.
 * - `no-new-privileges` is not set, because development images rely on `sudo`. Root in the container has no more than
 *   these capabilities, behind the engine's seccomp profile.
 * - There is no privileged mode and no host mount. Ports are published on loopback only, and the engine picks them, so
 *   that they do not collide.
 */
export function containerOptions(
  spec: WorkspaceSpec,
  labels: Record<string, string>,
  network: string,
  limits: ResourceLimits,
): Docker.ContainerCreateOptions {
  const ports = spec.forwardPorts.map((port) => `${port}/tcp`)
  return {
    Image: spec.image,
    Labels: labels,
    Env: Object.entries(spec.containerEnv).map(([name, value]) => `${name}=${value}`),
    WorkingDir: spec.workspaceFolder,
    // The image's stop signal, entry point and health check apply to the image's own command only.
    ...(spec.overrideCommand && {
      Entrypoint: keepAliveCommand,
      Cmd: [],
      StopSignal: 'SIGTERM',
      Healthcheck: { Test: ['NONE'] },
    }),
    ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])),
    HostConfig: {
      NanoCpus: Math.round(limits.cpus * 1e9),
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      PidsLimit: limits.pids,
      CapDrop: ['NET_RAW', 'MKNOD'],
      Privileged: false,
      Init: spec.init,
      NetworkMode: network,
      PortBindings: Object.fromEntries(ports.map((port) => [port, [{ HostIp: '127.0.0.1', HostPort: '' }]])),
      RestartPolicy: { Name: 'no' }, // law 8: the service decides what is started again
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    },
  }
}
