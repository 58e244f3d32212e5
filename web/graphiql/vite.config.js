import { defineConfig } from 'vite';

export default defineConfig({
  base: '/graphiql/',
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4096, // kB: the editor is large
    license: { fileName: 'licenses.md' },
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // React's server component directives have no meaning here.
      onLog: (level, log, handle) => log.code === 'MODULE_LEVEL_DIRECTIVE' || handle(level, log),
      output: {
        // A chunk of libraries only, so that a change in this folder's own code does not change it.
        codeSplitting: { groups: [{ name: 'graphiql', test: /node_modules.(react|@graphiql|graphiql|@radix-ui|@headlessui|framer-motion)/ }] },
      },
    },
  },
});
