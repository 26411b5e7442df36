/**
 * `possible`, so that tests may be skipped where it is false. With `VM_API_REQUIRE_ENGINE=1` that is a failure: nobody
 * then takes a run without these tests for a run with them.
 */
export function requirePrerequisite(
  available: boolean,
  capability: string,
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (!available && env['VM_API_REQUIRE_ENGINE'] === '1')
    throw new Error(`VM_API_REQUIRE_ENGINE is set, and this machine cannot ${capability}`)
  return available
}
