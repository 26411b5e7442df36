// What operators measure, for Prometheus. Names follow its conventions; no label has a name, an id or any other value without bound.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { statePath } from '../machines/workspace-snapshot.ts'
import type { CommittedTransition } from '../supervisor/actors.ts'
import type { SupervisorObserver } from '../supervisor/supervisor.ts'
import type { WorkspaceId } from '../workspace/id.ts'

/** What is counted when somebody asks, not as it happens. */
export interface GaugeSource {
  /** Workspaces by the state that they are in. */
  states(): ReadonlyMap<string, number>
  queue(): { readonly queued: number; readonly working: number }
  orphans(): number
  health(): { readonly database: string | null; readonly provider: string | null }
}

export interface Metrics {
  readonly registry: Registry
  readonly observer: SupervisorObserver
  /** Counts from then on what is only counted when somebody asks. */
  collectFrom(source: GaugeSource): void
  /** All of it in Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

const durationBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 3600, 86_400]
const latenessBuckets = [0.1, 0.5, 1, 5, 15, 60, 300, 3600]

export function serviceMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const transitions = new Counter({
    name: 'vm_api_transitions_total',
    help: 'Transitions that were committed.',
    labelNames: ['from', 'to'] as const,
    registers,
  })
  const stateDuration = new Histogram({
    name: 'vm_api_state_duration_seconds',
    help: 'How long workspaces stayed in a state that they have left.',
    labelNames: ['state'] as const,
    buckets: durationBuckets,
    registers,
  })
  const stepOutcomes = new Counter({
    name: 'vm_api_steps_total',
    help: 'Steps of provisioning, stopping and removing, by how they ended.',
    labelNames: ['step', 'outcome'] as const,
    registers,
  })
  const expiryLateness = new Histogram({
    name: 'vm_api_expiry_lateness_seconds',
    help: 'How long after its TTL a workspace began to be deleted.',
    buckets: latenessBuckets,
    registers,
  })
  const sweeps = new Counter({
    name: 'vm_api_sweeps_total',
    help: 'Sweeps that began.',
    labelNames: ['sweep'] as const,
    registers,
  })
  const currentStates = new Map<WorkspaceId, { readonly state: string; readonly at: number }>()

  function recordTransition({ id, before, after, line }: CommittedTransition) {
    if (!line) return
    if (line.from !== line.to) {
      transitions.inc({ from: line.from ?? 'none', to: line.to })
      const previous = currentStates.get(id)
      // Of what was there before the service started nobody knows since when.
      if (previous?.state === line.from)
        stateDuration.observe({ state: previous.state }, Math.max(0, line.at - previous.at) / 1000)
      currentStates.set(id, { state: statePath(after.value), at: line.at })
    }
    if (after.status === 'done') currentStates.delete(id)
    const [, step, outcome] = /^(\w+)\.(done|failed)$/.exec(line.event) ?? []
    if (step !== undefined && outcome !== undefined) stepOutcomes.inc({ step, outcome })
    const due = before?.context.expiresAt ?? null
    if (line.event === 'expire' && due !== null) expiryLateness.observe(Math.max(0, line.at - due) / 1000)
  }

  return {
    registry,
    observer: {
      onCommit(batch) {
        for (const transition of batch) recordTransition(transition)
      },
      onSweep: (sweep) => sweeps.inc({ sweep }),
    },
    collectFrom({ states, queue, orphans, health }) {
      gauge('vm_api_workspaces', 'Workspaces by the state that they are in.', ['state'], () =>
        [...states()].map(([state, total]) => [{ state }, total]),
      )
      gauge('vm_api_provisioning', 'Workspaces that wait for a slot, and that hold one.', ['phase'], () =>
        Object.entries(queue()).map(([phase, total]) => [{ phase }, total]),
      )
      gauge('vm_api_orphan_containers', 'Containers of this installation that belong to no workspace.', [], () => [
        [{}, orphans()],
      ])
      gauge('vm_api_ready', 'Whether a part can do its work: 1, or 0.', ['part'], () =>
        Object.entries(health()).map(([part, fault]) => [{ part }, fault === null ? 1 : 0]),
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
    const metric = new Gauge({
      name,
      help,
      labelNames,
      collect() {
        this.reset()
        for (const [labels, value] of values()) this.set({ ...labels }, value)
      },
      registers: [],
    })
    registry.registerMetric(metric)
  }
}
