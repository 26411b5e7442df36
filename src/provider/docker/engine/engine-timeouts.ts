/**
 * How long we wait for the engine, in milliseconds. No call is without one: a promise of the client may never settle.
 */
export interface EngineTimeouts {
  /** Readiness, and the look whether a silent engine still lives. */
  readonly pingMs: number
  /** Between two looks at a followed engine. */
  readonly heartbeatMs: number
  /** Reading: lists, inspects. */
  readonly readMs: number
  /** Making and starting a container, on a disk that is busy. */
  readonly createMs: number
  /** Stopping: the engine's own ten seconds of grace are within it. */
  readonly stopMs: number
  /** A whole removal, with the looks whether it is done. */
  readonly removeMs: number
  /** Between two looks whether a removal that somebody else began is done; and how long such a create is waited for. */
  readonly pollMs: number
  /**
   * Until a pull's first line. The engine writes it as soon as the registry has answered `/v2/`, so this is the time
   * for name look-up, connection and one round trip. An engine left alone waits 15 s and more for a registry that drops
   * packets.
   */
  readonly registryMs: number
  /** Between two lines of a pull. */
  readonly stallMs: number
  readonly pullMs: number
  /** One lifecycle command. */
  readonly commandMs: number
  /** First wait before an engine that was lost is tried again; it doubles up to `reconnectMost`. */
  readonly reconnectMs: number
  readonly reconnectMaxMs: number
}

export const defaultEngineTimeouts: EngineTimeouts = {
  pingMs: 2_000,
  heartbeatMs: 10_000,
  readMs: 15_000,
  createMs: 60_000,
  stopMs: 30_000,
  removeMs: 45_000,
  pollMs: 1_000,
  registryMs: 5_000,
  stallMs: 120_000,
  pullMs: 20 * 60_000,
  commandMs: 10 * 60_000,
  reconnectMs: 500,
  reconnectMaxMs: 5_000,
}
