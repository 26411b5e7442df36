import { defineConfig } from 'vite'

// The console: src/console to dist/console, which the service serves.
export default defineConfig({
  root: 'src/console',
  base: './',
  // Tests and benchmarks have none of it to do with: only `vite build` reads this.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    target: 'es2023',
    // Nothing is inlined: the policy of the page allows no script and no style in the markup.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
