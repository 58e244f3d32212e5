import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './page.css';

import { DOC_EXPLORER_PLUGIN } from '@graphiql/plugin-doc-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';

import { examplesPlugin } from './examples.jsx';
import { createFetcher } from './fetcher.js';
import { Session } from './session.jsx';
import { SystemTheme } from './theme.jsx';

const examples = await (await fetch('/graphiql/examples.json')).json();
const plugins = [examplesPlugin(examples), HISTORY_PLUGIN];
const fetcher = createFetcher();

createRoot(document.getElementById('root')).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    referencePlugin={DOC_EXPLORER_PLUGIN}
    visiblePlugin={plugins[0]}
    defaultTabs={[examples[0]]}
    defaultEditorToolsVisibility="variables"
    showPersistHeadersSettings={false}
  >
    <GraphiQL.Logo>
      <Session fetcher={fetcher} />
    </GraphiQL.Logo>
    <SystemTheme />
  </GraphiQL>,
);
