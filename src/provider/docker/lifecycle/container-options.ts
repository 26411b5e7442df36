import type Docker from 'dockerode'
import type { ResourceLimits, WorkspaceSpec } from '../../../workspace/spec.ts'

// Does nothing, ends at once when it is asked to, and reaps what it inherits where there is no init. `sleep infinity`
// would be shorter, but a shell that waits for it in the foreground hears no signal before it ends.
const keepAliveCommand = ['/bin/sh', '-c', 'trap "exit 0" TERM INT; while :; do sleep 3600 & wait $!; done']

/**
 * The container that `recipe` describes. What it may do:
 *
 * - Of the engine's default capabilities two are dropped. With NET_RAW a workspace could forge ARP and read what its
 *   neighbours on the bridge send, which `enable_icc=false` does not see; `ping` then works where it uses datagram
 *   sockets, not where the file asks for the capability. MKNOD nobody needs who has no devices. The others stay:
 *   package managers chown, setuid and chroot, and `sudo` writes to the audit log.
 * - `no-new-privileges` is not set: development images rely on `sudo`. Root
 *   inside has no more than these capabilities, behind the engine's seccomp profile.
 * - No privileged mode, no mounts of the host; ports on loopback only, and the engine picks them, so that they do not
 *   collide.
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
    // The image's own stop signal, entry point and health check are for the image's own command.
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
      RestartPolicy: { Name: 'no' }, // law 8: who starts again what went down is ours to decide
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
    },
  }
}
