import { assign, and, not, setup } from 'xstate'

/** A machine with everything that a chart can show: parallel and compound states, composed guards, internal and forbidden transitions, failures. */
export const lampMachine = setup({
  types: { context: {} as { count: number }, events: {} as { type: 'go' | 'halt' | 'off' | 'again' | 'dim; "now"' } },
  actions: { blame: assign({ count: 1 }), note: assign({ count: 2 }) },
  guards: { isAt: (_, step: string) => step !== '', isHot: () => true },
}).createMachine({
  id: 'lamp',
  description: 'A lamp.',
  context: { count: 0 },
  initial: 'on',
  on: { off: '.dark', again: { actions: 'note' } },
  states: {
    on: {
      type: 'parallel',
      tags: 'bright',
      onDone: 'dark',
      states: {
        bulb: {
          initial: 'cold',
          states: {
            cold: { on: { go: [{ guard: { type: 'isAt', params: 'x' }, target: 'hot' }, { target: '#lamp.failed' }] } },
            hot: { type: 'final' },
          },
        },
        fan: {
          initial: 'still',
          states: {
            still: { always: { guard: and([not('isHot'), { type: 'isAt', params: 'y' }]), target: 'turning' } },
            turning: { on: { again: {}, halt: { target: 'still', actions: 'blame' } } },
          },
        },
      },
    },
    failed: { description: 'Broken.', on: { 'dim; "now"': { target: 'failed', reenter: true } } },
    dark: { type: 'final' },
  },
})
