// Admits workspaces: create and adoption pass the same check, once before anything is staged, and again inside the transaction that
// writes the workspace, where it sees what was committed meanwhile.
import type { WorkspaceInput } from '../machines/workspace-context.ts'
import type { StoredResponses } from '../persistence/stored-responses.ts'
import { isNameTaken } from '../persistence/workspace-store.ts'
import type { WorkspaceStore } from '../persistence/workspace-store.ts'
import type { Clock } from '../workspace/clock.ts'
import type { WorkspaceLabels } from '../workspace/container.ts'
import { newWorkspaceId } from '../workspace/id.ts'
import type { JsonObject } from '../workspace/json.ts'
import type { Caller } from '../workspace/caller.ts'
import type { WorkspaceSpec } from '../workspace/spec.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'
import type { ActorRegistry, WorkspaceView } from './actors.ts'
import { WriteRefused } from './commit-log.ts'
import type { OrphanContainer } from './reconcile.ts'

/** A create request whose form is valid. */
export interface CreateRequest {
  readonly name: string
  /** `null`: the default template. */
  readonly template: string | null
  readonly ttlSeconds: number | null
  readonly metadata: JsonObject | null
}

/** What makes a create repeatable: its key, a fingerprint of the request, and how its response is rendered. */
export interface IdempotentRequest {
  readonly key: string
  readonly fingerprint: string
  readonly renderResponse: (view: WorkspaceView) => string
}

/** The database did not take it. Nothing has happened, and the request may be repeated. */
export interface NotWrittenResult {
  readonly kind: 'write-failed'
  readonly error: unknown
}

/** Why a workspace is not admitted. */
type AdmissionRefusal =
  /** The key and the request are the same as before: the stored response. */
  | { readonly kind: 'replayed'; readonly response: string }
  | { readonly kind: 'key-reused' }
  | { readonly kind: 'name-taken' }

class AdmissionRefused extends WriteRefused {
  readonly refusal: AdmissionRefusal

  constructor(refusal: AdmissionRefusal) {
    super(refusal.kind)
    this.refusal = refusal
  }
}

type UnknownTemplate = { readonly kind: 'unknown-template'; readonly available: readonly string[] }

export type CreateResult =
  | { readonly kind: 'created'; readonly view: WorkspaceView }
  | AdmissionRefusal
  | UnknownTemplate
  | NotWrittenResult

/** What a workspace is adopted with. */
export interface Adoption extends WorkspaceLabels {
  readonly orphan: OrphanContainer
  readonly by: string
}

export interface AdmissionDeps {
  readonly actors: Pick<ActorRegistry, 'create'>
  readonly store: Pick<WorkspaceStore, 'nameTaken'>
  readonly storedResponses: Pick<StoredResponses, 'find'>
  /** What workspaces can be created from, by name. */
  readonly templates: ReadonlyMap<string, { readonly spec: WorkspaceSpec }>
  readonly defaultTemplate: string
  /** Where new workspaces run. */
  readonly provider: ProviderName
  readonly clock: Clock
}

/** How long the response to a create with a key is kept. */
export const idempotencyRetentionMs = 24 * 60 * 60_000

export type Admission = ReturnType<typeof admission>

export function admission(deps: AdmissionDeps) {
  const { actors, store, storedResponses, templates, defaultTemplate, provider, clock } = deps

  const isNameFree = (owner: string, name: string) => !store.nameTaken(owner, name)

  function check(owner: string, name: string, idempotency?: IdempotentRequest): AdmissionRefusal | undefined {
    if (idempotency) {
      const previous = storedResponses.find(owner, idempotency.key, clock.now() - idempotencyRetentionMs)
      if (previous?.fingerprint === idempotency.fingerprint) return { kind: 'replayed', response: previous.response }
      if (previous) return { kind: 'key-reused' }
    }
    return isNameFree(owner, name) ? undefined : { kind: 'name-taken' }
  }

  async function admit(
    { template, ...input }: Omit<WorkspaceInput, 'spec' | 'at'>,
    by: string,
    idempotency?: IdempotentRequest,
  ): Promise<CreateResult> {
    const { owner, name } = input
    const refusal = check(owner, name, idempotency)
    if (refusal && refusal.kind !== 'name-taken') return refusal
    const spec = templates.get(template)?.spec
    if (!spec) return { kind: 'unknown-template', available: [...templates.keys()] }
    if (refusal) return refusal
    const at = clock.now()
    const created = await actors.create({ ...input, template, spec, at }, by, (snapshot) => ({
      admit() {
        const refusalNow = check(owner, name, idempotency)
        if (refusalNow) throw new AdmissionRefused(refusalNow)
      },
      ...(idempotency && {
        storedResponse: {
          ...idempotency,
          response: idempotency.renderResponse({ kind: 'live', snapshot, updatedAt: at }),
        },
      }),
    }))
    if (created.kind === 'created')
      return { kind: 'created', view: { kind: 'live', snapshot: created.snapshot, updatedAt: at } }
    if (created.error instanceof AdmissionRefused) return created.error.refusal
    return isNameTaken(created.error) ? { kind: 'name-taken' } : created
  }

  return {
    isNameFree,

    /** Creates a workspace. With an idempotency key, a repeated request gets the response of the first. */
    create(request: CreateRequest, { owner }: Caller, idempotency?: IdempotentRequest): Promise<CreateResult> {
      const input = { ...request, id: newWorkspaceId(), owner, provider, template: request.template ?? defaultTemplate }
      return admit(input, `user:${owner}`, idempotency)
    },

    /** Creates the workspace of an orphaned container, with the id that its label names: it begins with a boot of that container. */
    adopt({ orphan, by, owner, name, template }: Adoption) {
      const { containerId, state, provider, workspaceId: id } = orphan
      // A container that was never started has not run the commands for a new container.
      const adoptedContainer = { containerId, prepared: state.kind !== 'created' }
      return admit({ id, owner, name, template, provider, adoptedContainer, metadata: null, ttlSeconds: null }, by)
    },
  }
}
