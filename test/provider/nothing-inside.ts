import type { Inside } from '../../src/provider/inside.ts'
import { fault } from '../../src/workspace/fault.ts'

const absent = async () => fault('never', 'There is nothing inside an imitated workspace.')

/** The inside of a workspace that is imitated: whatever is asked of it is a fault. */
export const nothingInside: Inside = {
  run: absent,
  endRun: absent,
  files: {
    stat: absent,
    list: absent,
    read: absent,
    write: absent,
    makeDirectory: absent,
    move: absent,
    remove: absent,
    pack: absent,
    unpack: absent,
  },
  logs: absent,
}
