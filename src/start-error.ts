/** The service cannot start. The message, for the operator's terminal, names the problem and the next step. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
