import { Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Provider } from '../provider/provider.ts'
import type { Outcome } from '../workspace/fault.ts'

/**
 * Measures what providers are asked. Answers what wraps one: it does the same, and each verb's time and outcome (`ok`, or the fault's
 * `permanent`, `transient`, `unavailable`, `missing`) are counted.
 */
export function providerMetrics(registry: Registry): (provider: Provider) => Provider {
  const callDuration = new Histogram({
    name: 'vm_api_provider_call_duration_seconds',
    help: 'What providers were asked, by how it ended.',
    labelNames: ['provider', 'verb', 'outcome'] as const,
    buckets: [0.005, 0.02, 0.1, 0.3, 1, 3, 10, 30, 120, 600],
    registers: [registry],
  })

  return (provider) => {
    function timed<A extends readonly unknown[], T>(
      verb: string,
      call: (...args: A) => Promise<Outcome<T>>,
    ): (...args: A) => Promise<Outcome<T>> {
      return async (...args) => {
        const startedAt = performance.now()
        let outcome = 'threw'
        try {
          const result = await call(...args)
          outcome = result.ok ? 'ok' : result.fault.kind
          return result
        } finally {
          callDuration.observe({ provider: provider.name, verb, outcome }, (performance.now() - startedAt) / 1000)
        }
      }
    }
    return {
      name: provider.name,
      guest: provider.guest,
      image: timed('image', provider.image),
      container: timed('container', provider.container),
      boot: timed('boot', provider.boot),
      setup: timed('setup', provider.setup),
      stop: timed('stop', provider.stop),
      remove: timed('remove', provider.remove),
      inspect: timed('inspect', provider.inspect),
      list: timed('list', provider.list),
      ping: timed('ping', provider.ping),
      watch: provider.watch,
    }
  }
}
