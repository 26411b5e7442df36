// What operators measure, for Prometheus. Names follow its conventions; no label has a name, an id or any other value without bound.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { statePath } from '../machines/workspace-view.ts'
import type { Committed } from '../supervisor/live.ts'
import type { Observer } from '../supervisor/observer.ts'
import type { WorkspaceId } from '../workspace/id.ts'

/** What is counted when somebody asks, not as it happens. */
export interface Census {
  /** Workspaces by the state that they are in. */
  states(): ReadonlyMap<string, number>
  queue(): { readonly queued: number; readonly working: number }
  strays(): number
  health(): { readonly database: string | null; readonly provider: string | null }
}

export interface Metrics {
  readonly registry: Registry
  readonly observer: Observer
  /** Counts from then on what is only counted when somebody asks. */
  watch(census: Census): void
  /** All of it in Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

const seconds = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 3600, 86_400]
const lateness = [0.1, 0.5, 1, 5, 15, 60, 300, 3600]

export function metrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const transitions = new Counter({
    name: 'vm_api_transitions_total',
    help: 'Transitions that were committed.',
    labelNames: ['from', 'to'] as const,
    registers,
  })
  const stays = new Histogram({
    name: 'vm_api_state_duration_seconds',
    help: 'How long workspaces stayed in a state that they have left.',
    labelNames: ['state'] as const,
    buckets: seconds,
    registers,
  })
  const steps = new Counter({
    name: 'vm_api_steps_total',
    help: 'Steps of provisioning, stopping and removing, by how they ended.',
    labelNames: ['step', 'outcome'] as const,
    registers,
  })
  const late = new Histogram({
    name: 'vm_api_expiry_lateness_seconds',
    help: 'How long after its TTL a workspace began to be deleted.',
    buckets: lateness,
    registers,
  })
  const sweeps = new Counter({
    name: 'vm_api_sweeps_total',
    help: 'Sweeps that began.',
    labelNames: ['sweep'] as const,
    registers,
  })
  const entered = new Map<WorkspaceId, { readonly state: string; readonly at: number }>()

  function count({ id, before, after, line }: Committed) {
    if (!line) return
    if (line.from !== line.to) {
      transitions.inc({ from: line.from ?? 'none', to: line.to })
      const stay = entered.get(id)
      // Of what was there before the service started nobody knows since when.
      if (stay?.state === line.from) stays.observe({ state: stay.state }, Math.max(0, line.at - stay.at) / 1000)
      entered.set(id, { state: statePath(after.value), at: line.at })
    }
    if (after.status === 'done') entered.delete(id)
    const [, step, outcome] = /^(\w+)\.(done|failed)$/.exec(line.event) ?? []
    if (step !== undefined && outcome !== undefined) steps.inc({ step, outcome })
    const due = before?.context.expiresAt ?? null
    if (line.event === 'expire' && due !== null) late.observe(Math.max(0, line.at - due) / 1000)
  }

  return {
    registry,
    observer: {
      committed(done) {
        for (const step of done) count(step)
      },
      swept: (sweep) => sweeps.inc({ sweep }),
    },
    watch({ states, queue, strays, health }) {
      gauge('vm_api_workspaces', 'Workspaces by the state that they are in.', ['state'], () =>
        [...states()].map(([state, many]) => [{ state }, many]),
      )
      gauge('vm_api_provisioning', 'Workspaces that wait for a slot, and that hold one.', ['phase'], () =>
        Object.entries(queue()).map(([phase, many]) => [{ phase }, many]),
      )
      gauge('vm_api_stray_containers', 'Containers of this installation that belong to no workspace.', [], () => [
        [{}, strays()],
      ])
      gauge('vm_api_ready', 'Whether a part can do its work: 1, or 0.', ['part'], () =>
        Object.entries(health()).map(([part, trouble]) => [{ part }, trouble === null ? 1 : 0]),
      )
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }

  function gauge(
    name: string,
    help: string,
    labelNames: readonly string[],
    values: () => readonly (readonly [Readonly<Record<string, string>>, number])[],
  ) {
    const made = new Gauge({
      name,
      help,
      labelNames,
      collect() {
        this.reset()
        for (const [labels, value] of values()) this.set({ ...labels }, value)
      },
      registers: [],
    })
    registry.registerMetric(made)
  }
}
