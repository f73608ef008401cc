/** Everything the pages of the console need; each element waits for its own tag. */

import "./composer.js";
import "./copy.js";
import "./dirty-form.js";
import "./keys.js";
import "./list.js";
import "./menu.js";
import "./message.js";
import "./news.js";
import "./presence.js";
import "./sheet.js";
import "./thread.js";
import "./time.js";
import "./toasts.js";
import { installDialogs } from "./dialog.js";
import { installRules } from "./htmx-rules.js";

installDialogs();
installRules();
