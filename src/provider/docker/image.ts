import type Docker from 'dockerode'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { Engine } from './engine.ts'
import { pull } from './pull.ts'
import type { Answer } from './refusal.ts'
import { parseReference } from './reference.ts'
import { text } from './shape.ts'

/**
 * Makes the recipe's image present: looks whether the engine has it, pulls it if not. Answers its id. May be repeated.
 */
export async function presentImage(
  engine: Engine,
  { recipe: { image } }: Subject,
  signal: AbortSignal,
  progress: (words: string) => void,
): Promise<Outcome<{ imageId: string }>> {
  const byId = /^(sha256:)?[0-9a-f]{12,64}$/.test(image)
  const reference = parseReference(image)
  // What is no reference must not get into the path of a request either.
  if (!byId && !reference) return fault('never', `"${image}" is no name of an image. Correct "image" in the template.`)

  const present = await look(engine, image, signal)
  if (present.ok) return done({ imageId: present.value })
  if (present.status !== 404) return present
  if (!reference || image.startsWith('sha256:')) {
    return fault('never', `The engine has no image ${image}, and an id cannot be pulled: ${present.reason}`)
  }

  const pulled = await pull(engine, image, reference, signal, progress)
  if (!pulled.ok) return pulled
  const fresh = await look(engine, image, signal)
  return fresh.ok ? done({ imageId: fresh.value }) : fresh
}

function look(engine: Engine, image: string, signal: AbortSignal): Promise<Answer<string>> {
  const request = {
    what: `look for the image ${image}`,
    withinMs: engine.deadlines.read,
    async run(docker: Docker): Promise<string> {
      const id = text(await docker.getImage(image).inspect(), 'Id')
      if (id === undefined) throw new Error(`the engine's answer about the image ${image} has no Id`)
      return id
    },
  }
  return engine.ask(request, signal)
}
