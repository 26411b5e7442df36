import { Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Guest, GuestFiles } from '../provider/guest.ts'
import type { Provider } from '../provider/provider.ts'
import type { Fault } from '../workspace/fault.ts'

/** Every result that a provider returns: a value, a fault, or a file operation that the workspace refused. */
type ProviderResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly fault: Fault }
  | { readonly ok: false; readonly refused: string }

type Timer = <A extends readonly unknown[], T extends ProviderResult>(
  verb: string,
  call: (...args: A) => Promise<T>,
) => (...args: A) => Promise<T>

/**
 * Returns a function that wraps a provider and measures every call: its duration, and its outcome, which is `ok`, `refused`, `threw` or
 * the kind of the fault. For a call that returns a stream or a running command, the duration ends when that begins.
 */
export function providerMetrics(registry: Registry): (provider: Provider) => Provider {
  const callDuration = new Histogram({
    name: 'vm_api_provider_call_duration_seconds',
    help: 'Duration of calls to a provider, by verb and outcome.',
    labelNames: ['provider', 'verb', 'outcome'] as const,
    buckets: [0.005, 0.02, 0.1, 0.3, 1, 3, 10, 30, 120, 600],
    registers: [registry],
  })

  return (provider) => {
    const timed: Timer =
      (verb, call) =>
      async (...args) => {
        const startedAt = performance.now()
        let outcome = 'threw'
        try {
          const result = await call(...args)
          outcome = outcomeOf(result)
          return result
        } finally {
          callDuration.observe({ provider: provider.name, verb, outcome }, (performance.now() - startedAt) / 1000)
        }
      }
    return {
      ...provider,
      guest: measuredGuest(provider.guest, timed),
      image: timed('image', provider.image),
      container: timed('container', provider.container),
      boot: timed('boot', provider.boot),
      setup: timed('setup', provider.setup),
      stop: timed('stop', provider.stop),
      remove: timed('remove', provider.remove),
      inspect: timed('inspect', provider.inspect),
      list: timed('list', provider.list),
      ping: timed('ping', provider.ping),
    }
  }
}

function measuredGuest(guest: Guest, timed: Timer): Guest {
  return {
    exec: timed('exec', guest.exec),
    killLeftover: timed('kill-leftover', guest.killLeftover),
    logs: timed('logs', guest.logs),
    files: measuredFiles(guest.files, timed),
  }
}

function measuredFiles(files: GuestFiles, timed: Timer): GuestFiles {
  return {
    stat: timed('files.stat', files.stat),
    list: timed('files.list', files.list),
    read: timed('files.read', files.read),
    write: timed('files.write', files.write),
    makeDirectory: timed('files.make-directory', files.makeDirectory),
    move: timed('files.move', files.move),
    remove: timed('files.remove', files.remove),
    pack: timed('files.pack', files.pack),
    unpack: timed('files.unpack', files.unpack),
  }
}

function outcomeOf(result: ProviderResult): string {
  if (result.ok) return 'ok'
  return 'fault' in result ? result.fault.kind : 'refused'
}
