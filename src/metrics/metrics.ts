// Metrics for Prometheus. Names follow its conventions. No label holds a name, an id or any other unbounded value.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { statePath } from '../machines/workspace-snapshot.ts'
import type { CommittedTransition } from '../supervisor/actors.ts'
import type { SupervisorObserver } from '../supervisor/supervisor.ts'
import type { WorkspaceId } from '../workspace/id.ts'

/** Values that are read at each scrape. */
export interface GaugeSource {
  /** The number of workspaces in each state. */
  states(): ReadonlyMap<string, number>
  queue(): { readonly queued: number; readonly working: number }
  orphans(): number
  health(): { readonly database: string | null; readonly provider: string | null }
}

export interface Metrics {
  readonly registry: Registry
  readonly observer: SupervisorObserver
  /** Adds the gauges that read from `source`. May be called once. */
  collectFrom(source: GaugeSource): void
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>
  readonly contentType: string
}

const durationBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 3600, 86_400]
const latenessBuckets = [0.1, 0.5, 1, 5, 15, 60, 300, 3600]

export function serviceMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    observer: supervisorObserver(registry),
    collectFrom: (source) => registerGauges(registry, source),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

/** Counts transitions and sweeps as they happen. */
function supervisorObserver(registry: Registry): SupervisorObserver {
  const registers = [registry]
  const transitions = new Counter({
    name: 'vm_api_transitions_total',
    help: 'Committed transitions.',
    labelNames: ['from', 'to'] as const,
    registers,
  })
  const stateDuration = new Histogram({
    name: 'vm_api_state_duration_seconds',
    help: 'Time that workspaces spent in a state, observed when they leave it.',
    labelNames: ['state'] as const,
    buckets: durationBuckets,
    registers,
  })
  const stepOutcomes = new Counter({
    name: 'vm_api_steps_total',
    help: 'Finished steps of provisioning, stopping and removing, by outcome.',
    labelNames: ['step', 'outcome'] as const,
    registers,
  })
  const expiryLateness = new Histogram({
    name: 'vm_api_expiry_lateness_seconds',
    help: 'Delay between the end of a TTL and the start of the deletion.',
    buckets: latenessBuckets,
    registers,
  })
  const sweeps = new Counter({
    name: 'vm_api_sweeps_total',
    help: 'Started sweeps.',
    labelNames: ['sweep'] as const,
    registers,
  })
  const currentStates = new Map<WorkspaceId, { readonly state: string; readonly since: number }>()

  function recordTransition({ id, before, after, line }: CommittedTransition) {
    if (!line) return
    if (line.from !== line.to) {
      transitions.inc({ from: line.from ?? 'none', to: line.to })
      const previous = currentStates.get(id)
      // A state from before the start of the service has no known beginning.
      if (previous?.state === line.from)
        stateDuration.observe({ state: previous.state }, Math.max(0, line.at - previous.since) / 1000)
      currentStates.set(id, { state: statePath(after.value), since: line.at })
    }
    if (after.status === 'done') currentStates.delete(id)
    const [, step, outcome] = /^(\w+)\.(done|failed)$/.exec(line.event) ?? []
    if (step !== undefined && outcome !== undefined) stepOutcomes.inc({ step, outcome })
    const due = before?.context.expiresAt ?? null
    if (line.event === 'expire' && due !== null) expiryLateness.observe(Math.max(0, line.at - due) / 1000)
  }

  return {
    onCommit(batch) {
      for (const transition of batch) recordTransition(transition)
    },
    onSweep: (sweep) => sweeps.inc({ sweep }),
  }
}

function registerGauges(registry: Registry, { states, queue, orphans, health }: GaugeSource) {
  registerGauge('vm_api_workspaces', 'Workspaces by state.', ['state'], () =>
    [...states()].map(([state, total]) => [{ state }, total]),
  )
  registerGauge('vm_api_provisioning', 'Workspaces that wait for a slot or hold one, by phase.', ['phase'], () =>
    Object.entries(queue()).map(([phase, total]) => [{ phase }, total]),
  )
  registerGauge('vm_api_orphan_containers', 'Containers of this installation without a workspace.', [], () => [
    [{}, orphans()],
  ])
  registerGauge('vm_api_ready', 'Whether the database and the provider work: 1 or 0.', ['part'], () => {
    const { database, provider } = health()
    return Object.entries({ database, provider }).map(([part, fault]) => [{ part }, fault === null ? 1 : 0])
  })

  function registerGauge(
    name: string,
    help: string,
    labelNames: readonly string[],
    values: () => readonly (readonly [Readonly<Record<string, string>>, number])[],
  ) {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      collect() {
        this.reset()
        for (const [labels, value] of values()) this.set({ ...labels }, value)
      },
      registers: [],
    })
    registry.registerMetric(gauge)
  }
}
