/**
 * Returns `available`, by which tests are skipped. With `VM_API_REQUIRE_ENGINE=1` a missing prerequisite is an error, so
 * that tests are never skipped unnoticed.
 */
export function requirePrerequisite(
  available: boolean,
  capability: string,
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  if (!available && env['VM_API_REQUIRE_ENGINE'] === '1')
    throw new Error(`VM_API_REQUIRE_ENGINE is set, but this machine cannot ${capability}`)
  return available
}
