import { Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import type { Provider } from '../provider/provider.ts'
import type { Outcome } from '../workspace/fault.ts'

/**
 * Measures what providers are asked. Answers what wraps one: it does the same, and each verb's time and outcome (`ok`, or the fault's
 * `never`, `later`, `away`, `gone`) are counted.
 */
export function providerMeter(registry: Registry): (provider: Provider) => Provider {
  const calls = new Histogram({
    name: 'vm_api_provider_call_duration_seconds',
    help: 'What providers were asked, by how it ended.',
    labelNames: ['provider', 'verb', 'outcome'] as const,
    buckets: [0.005, 0.02, 0.1, 0.3, 1, 3, 10, 30, 120, 600],
    registers: [registry],
  })

  return (provider) => {
    function measured<A extends readonly unknown[], T>(
      verb: string,
      ask: (...args: A) => Promise<Outcome<T>>,
    ): (...args: A) => Promise<Outcome<T>> {
      return async (...args) => {
        const begun = performance.now()
        let outcome = 'threw'
        try {
          const answer = await ask(...args)
          outcome = answer.ok ? 'ok' : answer.fault.again
          return answer
        } finally {
          calls.observe({ provider: provider.name, verb, outcome }, (performance.now() - begun) / 1000)
        }
      }
    }
    return {
      name: provider.name,
      inside: provider.inside,
      image: measured('image', provider.image),
      container: measured('container', provider.container),
      boot: measured('boot', provider.boot),
      setup: measured('setup', provider.setup),
      halt: measured('halt', provider.halt),
      remove: measured('remove', provider.remove),
      inspect: measured('inspect', provider.inspect),
      inventory: measured('inventory', provider.inventory),
      clear: measured('clear', provider.clear),
      ready: measured('ready', provider.ready),
      watch: provider.watch,
    }
  }
}
