import type Docker from 'dockerode'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { pullImage } from './pull.ts'
import type { EngineResult } from '../engine/engine-result.ts'
import { parseImageReference } from './image-reference.ts'
import { stringField } from '../engine/json-fields.ts'

/** Step `image`: pulls the workspace's image unless the engine has it, and returns the image id. May be repeated. */
export async function ensureImage(
  engine: Engine,
  { spec: { image } }: WorkspaceRef,
  signal: AbortSignal,
  onProgress: (text: string) => void,
): Promise<Outcome<{ imageId: string }>> {
  const isId = /^(sha256:)?[0-9a-f]{12,64}$/.test(image)
  const reference = parseImageReference(image)
  // An invalid reference must not become part of a request path.
  if (!isId && !reference)
    return fault('permanent', `"${image}" is not a valid image reference. Correct "image" in the template.`)

  const existing = await inspectImage(engine, image, signal)
  if (existing.ok) return ok({ imageId: existing.value })
  if (existing.status !== 404) return existing
  if (!reference || image.startsWith('sha256:')) {
    return fault('permanent', `The engine has no image ${image}, and an id cannot be pulled: ${existing.reason}`)
  }

  const pullResult = await pullImage(engine, { image, reference }, signal, onProgress)
  if (!pullResult.ok) return pullResult
  const pulledImage = await inspectImage(engine, image, signal)
  return pulledImage.ok ? ok({ imageId: pulledImage.value }) : pulledImage
}

function inspectImage(engine: Engine, image: string, signal: AbortSignal): Promise<EngineResult<string>> {
  const request = {
    action: `inspect the image ${image}`,
    timeoutMs: engine.timeouts.readMs,
    async run(docker: Docker): Promise<string> {
      const id = stringField(await docker.getImage(image).inspect(), 'Id')
      if (id === undefined) throw new Error(`the engine's description of the image ${image} has no Id`)
      return id
    },
  }
  return engine.request(request, signal)
}
