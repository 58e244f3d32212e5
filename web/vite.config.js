import { defineConfig } from 'vite';

export default defineConfig({
  base: '/graphiql/',
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4096, // kB: the editor is what it is
    license: { fileName: 'licenses.md' },
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Marks of React's server components, which mean nothing here.
      onLog: (level, log, handle) => log.code === 'MODULE_LEVEL_DIRECTIVE' || handle(level, log),
      output: {
        // What others wrote stays as it is when only this folder's own code changes.
        codeSplitting: { groups: [{ name: 'graphiql', test: /node_modules.(react|@graphiql|graphiql|@radix-ui|@headlessui|framer-motion)/ }] },
      },
    },
  },
});
