// Generated from docs/openapi.json by scripts/generate.mjs; do not edit.
export interface paths {
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the endpoints */
        get: operations["list_endpoints"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/councils/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start a council, as its own server did (docs/dropin.md)
         * @description The same `run_id` again starts nothing. Other fields are ignored.
         *
         *     Needs `start` on what it is about.
         */
        post: operations["start_council"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/councils/run/{run_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Its result
         * @description Needs `read` on what it is about.
         */
        get: operations["get_council"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The process is alive
         * @description Nobody is asked who they are.
         */
        get: operations["get_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Counters and gauges of this process (OpenMetrics)
         * @description Needs `metrics` on everything.
         */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The gateway can serve
         * @description Nobody is asked who they are.
         */
        get: operations["get_readiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Approvals of all executions, those that wait
         * @description Only what the caller may read is listed and counted. A page may be short, also empty, with a `next`: go on with it.
         *
         *     Needs `read` on what it is about.
         */
        get: operations["list_all_approvals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/approvals/{approval_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * An approval, whatever became of it
         * @description Needs `read` on what it is about.
         */
        get: operations["get_approval"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/approvals/{approval_id}/decision": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Decide it
         * @description The first decision counts; with a `decision_id` the same one can be repeated.
         *
         *     Needs `decide` on what it is about.
         */
        post: operations["decide_approval"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/asyncapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The document of the WebSocket (AsyncAPI 3)
         * @description Nobody is asked who they are.
         */
        get: operations["get_asyncapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/revocations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End a credential everywhere
         * @description Either `token_id`, or `subject` with or without `issued_before`.
         *
         *     Needs `admin` on everything.
         */
        post: operations["revoke"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/auth/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Mint a short-lived token
         * @description For pages and programs that must not have the caller's own credential. A stream token mints none.
         */
        post: operations["mint_token"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Executions that no worker could finish, newest first
         * @description Needs `admin` on everything.
         */
        get: operations["list_dead_letters"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{execution_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One of them
         * @description Needs `admin` on everything.
         */
        get: operations["get_dead_letter"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{execution_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try it again, as a new execution of the same session
         * @description Needs `admin` on everything.
         */
        post: operations["retry_dead_letter"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/definitions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Agents and graphs that workers have
         * @description Those whose stream of the same name the caller may read.
         *
         *     Needs `read` on what it is about.
         */
        get: operations["list_definitions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/definitions/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * An agent or a graph: nodes, edges, tools, input schema
         * @description Needs `read` on what it is about.
         */
        get: operations["get_definition"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Stored events, or the next ones
         * @description With `wait_ms` the next ones, when they come: ask again with `next`, on any gateway.
         *
         *     Needs `read` on what it is about.
         */
        get: operations["list_events"];
        put?: never;
        /**
         * Publish events
         * @description Answered when all of them are durable. One that may not be published, or is wrong, is named by `path` (`events[3].stream_id`), and nothing is stored. With `unavailable` and `internal`, `details.events` says what became of each, when some may have been stored: the same request with the same ids stores nothing twice.
         *
         *     Needs `publish` on what it is about.
         */
        post: operations["publish_events"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/events/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Events as they happen (SSE)
         * @description Server-sent events: `id` is the cursor of what stands there, `event` its type, `data` its JSON.
         *
         *     Needs `read` on what it is about.
         */
        get: operations["follow_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Executions, newest first
         * @description Only what the caller may read is listed and counted. A page may be short, also empty, with a `next`: go on with it.
         *
         *     Needs `read` on what it is about.
         */
        get: operations["list_executions"];
        put?: never;
        /**
         * Start an execution
         * @description Starting the same `execution_id` twice starts one: give it, then the call can be repeated.
         *
         *     Needs `start` on what it is about.
         */
        post: operations["start_execution"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the state of an execution
         * @description Needs `read` on what it is about.
         */
        get: operations["get_execution"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Its calls that wait for a decision
         * @description Needs `read` on the execution.
         */
        get: operations["list_approvals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stop it
         * @description A cancel of an unknown execution is kept: if the execution is started later, it is cancelled immediately.
         *
         *     Needs `cancel` on what it is about.
         */
        post: operations["cancel_execution"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}/definition": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The definition that an execution runs: as it was when the latest execution of a session began, the present one for earlier executions of the session
         * @description Needs `read` on the execution.
         */
        get: operations["get_execution_definition"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * An execution's stored events, or the next ones
         * @description With `wait_ms` the next ones, when they come: ask again with `next`, on any gateway.
         *
         *     Needs `read` on what it is about.
         */
        get: operations["list_execution_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}/events/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * An execution's events as they happen (SSE)
         * @description Server-sent events: `id` is the cursor of what stands there, `event` its type, `data` its JSON.
         *
         *     Needs `read` on what it is about.
         */
        get: operations["follow_execution"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin no further step
         * @description Needs `cancel` on what it is about.
         */
        post: operations["pause_execution"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}/presence": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List its watchers
         * @description Needs `read` on the execution.
         */
        get: operations["get_presence"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}/questions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Its questions that wait for an answer
         * @description Needs `read` on the execution.
         */
        get: operations["list_questions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Go on
         * @description Needs `cancel` on what it is about.
         */
        post: operations["resume_execution"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/executions/{execution_id}/snapshot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read its state, with all text so far
         * @description Needs `read` on what it is about.
         */
        get: operations["get_snapshot"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/gateways": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The gateways that are at work, and their load
         * @description Needs `read` on everything.
         */
        get: operations["list_gateways"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/live/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The list of approvals as it changes (SSE)
         * @description Server-sent events: `event` is `list_snapshot`, then `list_changes` (docs/lists.md).
         *
         *     Needs `read` on what it is about.
         */
        get: operations["follow_approvals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/live/executions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The list of executions as it changes (SSE)
         * @description Server-sent events: `event` is `list_snapshot`, then `list_changes` (docs/lists.md).
         *
         *     Needs `read` on what it is about.
         */
        get: operations["follow_executions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/live/questions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The list of questions as it changes (SSE)
         * @description Server-sent events: `event` is `list_snapshot`, then `list_changes` (docs/lists.md).
         *
         *     Needs `read` on what it is about.
         */
        get: operations["follow_questions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/live/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The list of sessions as it changes (SSE)
         * @description Server-sent events: `event` is `list_snapshot`, then `list_changes` (docs/lists.md).
         *
         *     Needs `read` on what it is about.
         */
        get: operations["follow_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/monitor": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Approvals, context, MCP servers, usage and graphs of all streams
         * @description Needs `read` on what it is about.
         */
        get: operations["get_monitor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/monitor/{stream_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The monitor of one stream
         * @description Needs `read` on what it is about.
         */
        get: operations["get_stream_monitor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/monitor/{stream_id}/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The monitor of one stream as it changes (SSE)
         * @description Server-sent events: `event` is `monitor_snapshot`, then `monitor_patch` (docs/monitoring.md).
         *
         *     Needs `read` on what it is about.
         */
        get: operations["follow_stream_monitor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/monitor/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The monitor as it changes: a snapshot, then JSON Patch (SSE)
         * @description Server-sent events: `event` is `monitor_snapshot`, then `monitor_patch` (docs/monitoring.md).
         *
         *     Needs `read` on what it is about.
         */
        get: operations["follow_monitor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document (OpenAPI 3.1)
         * @description Nobody is asked who they are.
         */
        get: operations["get_openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/questions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Questions of all executions, those that wait
         * @description Only what the caller may read is listed and counted. A page may be short, also empty, with a `next`: go on with it.
         *
         *     Needs `read` on what it is about.
         */
        get: operations["list_all_questions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/questions/{request_id}/answer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Answer a question
         * @description The first answer counts; with an `answer_id` the same one can be repeated.
         *
         *     Needs `decide` on what it is about.
         */
        post: operations["answer_question"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sessions, newest first
         * @description Only what the caller may read is listed and counted. A page may be short, also empty, with a `next`: go on with it.
         *
         *     Needs `read` on what it is about.
         */
        get: operations["list_sessions"];
        put?: never;
        /**
         * Say something to a new session
         * @description Needs `start` on what it is about.
         */
        post: operations["begin_session"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Its state, and its pending approvals and questions
         * @description Needs `read` on the session.
         */
        get: operations["get_session"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/abort_pending": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Answer its unresolved calls with the reason, and go on
         * @description Needs `cancel` on the session.
         */
        post: operations["abort_pending_calls"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/close": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take no more input, and stop what is at work
         * @description Needs `cancel` on the session.
         */
        post: operations["close_session"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/messages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read its messages, oldest first
         * @description As many as have 4 MiB: ask again with `from`, where there is a `next`.
         *
         *     Needs `read` on the session.
         */
        get: operations["list_messages"];
        put?: never;
        /**
         * Say something to it
         * @description Needs `start` on what it is about.
         */
        post: operations["send_message"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/pending": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Its calls without an answer
         * @description Needs `read` on the session.
         */
        get: operations["list_pending_calls"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{session_id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Finish its unresolved calls and go on
         * @description Needs `start` on the session.
         */
        post: operations["resume_session"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the size of the log, and the costs of this gateway's clients
         * @description Needs `read` on everything.
         */
        get: operations["get_stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Which workers there are, their tools and MCP servers
         * @description Needs `read` on everything.
         */
        get: operations["list_workers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/ws": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Events as they happen, and commands (WebSocket, subprotocol `runbus.v1` or `runbus.v1.cbor`)
         * @description The protocol: docs/protocol.md.
         *
         *     A credential may also be sent in band.
         */
        get: operations["connect"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ws/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * All agents (WebSocket)
         * @description A client without a valid credential gets a WebSocket too, an error in it, and the close code 4001.
         */
        get: operations["connect_agents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ws/agents/{agent_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * An agent as its own server served it (WebSocket)
         * @description A client without a valid credential gets a WebSocket too, an error in it, and the close code 4001.
         */
        get: operations["connect_agent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ws/council/{run_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A council as its own server served it (WebSocket)
         * @description A client without a valid credential gets a WebSocket too, an error in it, and the close code 4001.
         */
        get: operations["connect_council"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ws/tasks/{task_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A task as its own server served it (WebSocket, docs/dropin.md)
         * @description The task begins if it has not. Other parameters are ignored.
         *
         *     A client without a valid credential gets a WebSocket too, an error in it, and the close code 4001.
         */
        get: operations["connect_task"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Calls that were answered. */
        AbortedCalls: {
            aborted: components["schemas"]["PendingCall"][];
            session_id: components["schemas"]["SessionId"];
        };
        /** @description A command that is durable; its effect shows in the execution's events. */
        Acknowledged: {
            /** @description The outcome of a cancel; absent for other commands. */
            cancel?: components["schemas"]["CancelState"] | null;
            /** @description The run. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description Its conversation. */
            session_id: components["schemas"]["SessionId"];
        };
        /** @description How an agent or a graph is configured. */
        AgentReport: {
            /** @description The description of the agent, for people. */
            description?: string;
            /** @description Its nodes; an agent is one node of its own name. Default: `{}`. */
            nodes: {
                [key: string]: components["schemas"]["NodeReport"];
            };
        };
        /** @description An answer to a question. */
        AnswerRequest: {
            /** @description Identifies the answer: the same id again is the same answer. Absent: a fresh one. */
            answer_id?: components["schemas"]["EventId"] | null;
            /** @description The answer. At most 64 KiB of JSON. */
            input: unknown;
        };
        /** @description A call that waits for a decision. */
        Approval: {
            /** @description The id that a decision names. */
            approval_id: string;
            /** @description The arguments, [`crate::limits::SNAPSHOT_VALUE_BYTES`] at most. */
            arguments: components["schemas"]["Excerpt"];
            /** @description The digest that a decision is bound to. */
            arguments_digest?: string | null;
            /** @description Where it waits, when that is below the execution. */
            below?: components["schemas"]["Below"] | null;
            /** @description When it expires. */
            expires_at?: components["schemas"]["Timestamp"] | null;
            /** @description The node that called it. */
            node_id?: components["schemas"]["NodeId"] | null;
            /** @description The tool. */
            tool_name: string;
            /** @description The call. */
            tool_use_id: string;
        };
        /** @description An approval in a list. */
        ApprovalEntry: {
            /** @description Names it. */
            approval_id: string;
            /** @description SHA-256 of the canonical arguments: what a decision is bound to. */
            arguments_digest?: string | null;
            /** @description When it was settled. */
            decided_at?: components["schemas"]["Timestamp"] | null;
            /** @description The decider. */
            decided_by?: string | null;
            /** @description The agent or graph. */
            definition?: string | null;
            /** @description The execution whose call waits. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description Until when. */
            expires_at?: components["schemas"]["Timestamp"] | null;
            /** @description Others run the execution. Default: `false`. */
            external: boolean;
            /** @description The step. */
            node_id?: components["schemas"]["NodeId"] | null;
            /** @description The decider's note. */
            note?: string | null;
            /** @description Since when it waits. */
            requested_at: components["schemas"]["Timestamp"];
            /** @description The execution at the top of its tree; absent: that one. */
            root?: components["schemas"]["ExecutionId"] | null;
            /** @description The conversation. */
            session_id?: components["schemas"]["SessionId"] | null;
            /** @description Where it stands. */
            status: components["schemas"]["ApprovalEntryStatus"];
            /** @description The line of work. */
            stream_id: components["schemas"]["StreamId"];
            /** @description The call's arguments; of more than 2 KiB `{cut, bytes, begins}`. */
            tool_input: unknown;
            /** @description Whether the arguments have more. */
            tool_input_cut?: boolean;
            /** @description The tool. */
            tool_name: string;
            /** @description The call. */
            tool_use_id: string;
        };
        /**
         * @description Where an approval of a list stands.
         *     - `pending`: It waits for a decision.
         *     - `approved`: The call may run.
         *     - `rejected`: The call may not run.
         *     - `expired`: Nobody decided in time.
         *     - `cancelled`: Nobody needs a decision any more: the call was answered otherwise, or its execution has ended.
         * @enum {string}
         */
        ApprovalEntryStatus: "pending" | "approved" | "rejected" | "expired" | "cancelled";
        /** @description A page of approvals. */
        ApprovalList: {
            /** @description The entries, in order. */
            approvals: components["schemas"]["ApprovalEntry"][];
            /** @description Whether the index follows the log; else it is being built, and more entries may come. */
            complete: boolean;
            /** @description Entries that match, whatever their status, by status; absent: nobody asked. */
            counts?: {
                [key: string]: number;
            } | null;
            /** @description Whether all were counted; else there are at least so many. */
            counts_exact?: boolean | null;
            /** @description Where the next page begins; absent: nothing is left. */
            next?: string | null;
        };
        /** @description Approvals that wait for a decision. */
        Approvals: {
            approvals: components["schemas"]["PendingApproval"][];
        };
        /**
         * @description Where an approval stands.
         *     - `pending`: Nobody has decided.
         *     - `approved`: The call may run, once.
         *     - `rejected`: The call must not run.
         *     - `expired`: Nobody decided in time.
         *     - `cancelled`: The execution ended before.
         *     - `consumed`: The call ran, or began to.
         * @enum {string}
         */
        ApprovalStatus: "pending" | "approved" | "rejected" | "expired" | "cancelled" | "consumed";
        /** @description An input for a session. */
        BeginRequest: {
            /** @description The limits of the execution. Default: `{}`. */
            budget?: components["schemas"]["Budget"];
            /** @description The id that ties the execution to others. */
            correlation_id?: components["schemas"]["CorrelationId"] | null;
            /** @description The agent or graph. At most 128 bytes. */
            definition: string;
            /** @description The run; the same id twice starts one. Absent: a fresh one. */
            execution_id?: components["schemas"]["ExecutionId"] | null;
            /** @description The input: a text, a list of parts (`Part`), or any JSON. At most 128 KiB of JSON. */
            input?: unknown;
            /** @description Labels, by which lists can be filtered: at most 16, as for a start. */
            labels?: components["schemas"]["Labels"];
            /** @description The policy when an execution of the session is at work. Default: `"enqueue"`. */
            multitask?: components["schemas"]["Multitask"];
            /** @description How it is scheduled; absent: as the session's last execution. */
            scheduling?: components["schemas"]["Scheduling"] | null;
            /** @description The line of work; absent: the session's last one, or the definition's name. */
            stream_id?: components["schemas"]["StreamId"] | null;
        };
        /** @description Where something happened that an execution above tells. */
        Below: {
            /** @description The execution. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description Its node. */
            node_id?: components["schemas"]["NodeId"] | null;
            /** @description Its session. */
            session_id: components["schemas"]["SessionId"];
            /** @description The session of the child of the execution that tells it, on the way there. */
            through: components["schemas"]["SessionId"];
        };
        /** @description The limits of an execution; exceeding one ends it. */
        Budget: {
            /**
             * Format: uint32
             * @description Calls of the model.
             */
            rounds?: number | null;
            /**
             * Format: uint64
             * @description Tokens, read and written.
             */
            tokens?: number | null;
            /**
             * Format: uint64
             * @description Time from its start, waiting included, in milliseconds.
             */
            wall_time_ms?: number | null;
        };
        /** @description A call of a tool. */
        Call: {
            /**
             * @description Its arguments: as the model wrote them (a text) until it waits or runs. [`crate::limits::SNAPSHOT_VALUE_BYTES`] at
             *     most.
             */
            arguments: components["schemas"]["Excerpt"];
            /** @description The node that called it. */
            node_id?: components["schemas"]["NodeId"] | null;
            /** @description The result that the model reads, [`crate::limits::SNAPSHOT_VALUE_BYTES`] at most. */
            result?: components["schemas"]["Excerpt"] | null;
            /** @description How far it is. */
            state: components["schemas"]["CallState"];
            /** @description The tool. */
            tool_name: string;
            /** @description Its id, as the model gave it. */
            tool_use_id: string;
        };
        /**
         * @description How far a call is.
         *     - `requested`: The model asked for it.
         *     - `awaiting_approval`: It waits for a decision.
         *     - `approved`: It may run.
         *     - `refused`: It may not, or nobody said in time.
         *     - `running`: It runs.
         *     - `completed`: It ended well.
         *     - `failed`: It ended badly, or was answered without running.
         * @enum {string}
         */
        CallState: "requested" | "awaiting_approval" | "approved" | "refused" | "running" | "completed" | "failed";
        /**
         * @description Where a call without an answer stands.
         *     - `waiting`: It has not begun.
         *     - `waiting_for_approval`: It waits for a decision.
         *     - `waiting_for_input`: It waits for a person's answer.
         *     - `waiting_for_child`: It waits for a child session.
         *     - `running`: It runs.
         *     - `unknown`: It began, and nobody knows how it ended.
         * @enum {string}
         */
        CallStatus: "waiting" | "waiting_for_approval" | "waiting_for_input" | "waiting_for_child" | "running" | "unknown";
        /** @description Cancel an execution. */
        CancelRequest: {
            /** @description Why, for the record. At most 4096 bytes. */
            reason?: string | null;
            /** @description The session that an execution which nobody has asked for yet will run in, when that is not one of its own. */
            session_id?: components["schemas"]["SessionId"] | null;
        };
        /**
         * @description The outcome of a cancel.
         *     - `requested`: It is durable, and came before the execution's end: its owner will stop it. Where no owner says so within a few seconds, the next one
         *     decides.
         *     - `latched`: The execution does not exist yet: if it is started later, it is cancelled immediately.
         *     - `cancelled`: It was cancelled before.
         * @enum {string}
         */
        CancelState: "requested" | "latched" | "cancelled";
        /** @description Each `ok`, or what is wrong. */
        Checks: {
            /** @description There while a gateway drains. */
            gateway?: string | null;
            log: string;
            queue: string;
            /** @description Executions complete without it: it alone makes a process `degraded`. */
            store: string;
            /** @description There while a worker starts or drains. */
            worker?: string | null;
        };
        /** @description A child session. */
        Child: {
            /** @description The definition that it runs. */
            definition: string;
            /** @description Whether its execution has ended. */
            ended: boolean;
            /** @description It closes when its execution has ended. */
            ephemeral: boolean;
            /** @description Its execution. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description The session. */
            session_id: components["schemas"]["SessionId"];
        };
        /** @description Close a session. */
        CloseRequest: {
            /** @description Whether its children close too. Default: `false`. */
            cascade?: boolean;
            /** @description Why, for the record. At most 4096 bytes. */
            reason?: string | null;
        };
        /** @description The result of a compaction. */
        Compacted: {
            /**
             * Format: uint64
             * @description Tokens after.
             */
            tokens_after: number;
            /**
             * Format: uint64
             * @description Tokens before.
             */
            tokens_before: number;
        };
        /** @description The content of a message: a text, or parts in their order. */
        Content: string | components["schemas"]["Part"][];
        /** @description The last messages of a conversation. */
        Conversation: {
            /** @description The last compaction: tokens before and after. */
            compacted?: components["schemas"]["Compacted"] | null;
            /** @description Its last execution. */
            execution_id?: components["schemas"]["ExecutionId"] | null;
            /** @description Messages, oldest first. */
            messages: components["schemas"]["MonitorMessage"][];
            /**
             * Format: uint64
             * @description Older ones that are not shown. Default: `0`.
             */
            omitted: number;
            /** @description Its stream. */
            stream_id?: components["schemas"]["StreamId"] | null;
        };
        /** @description at most 128 bytes of UTF-8 without control characters */
        CorrelationId: string;
        /** @description The cost of tokens. */
        Cost: {
            /**
             * Format: double
             * @description How much, to nine decimals.
             */
            amount: number;
            /** @description Of what. */
            currency: string;
            /**
             * Format: uint64
             * @description Tokens that are not in it, because nobody knows their price. Default: `0`.
             */
            unpriced_tokens: number;
        };
        /** @description The fault, in the form of the replaced server. */
        CouncilDetail: {
            detail: string;
        };
        /** @description The council to start. Other fields are ignored. */
        CouncilRequest: {
            /** @description The topic of the council. 1 to 10000 characters. */
            input_topic: string;
            /** @description The run; starting the same one twice starts one. Absent: a fresh one. */
            run_id?: components["schemas"]["ExecutionId"] | null;
        } & {
            [key: string]: unknown;
        };
        /** @description A run's status, and its outcome. */
        CouncilRun: {
            /** @description The critic's last score. */
            critic_score: unknown;
            /** @description The error. */
            error: string | null;
            /** @description The final text. */
            final_draft: unknown;
            /** @description Passes of the graph's cycle. */
            iteration_count: unknown;
            run_id: components["schemas"]["ExecutionId"];
            /** @description `pending`, `running`, `paused`, `completed` or `failed`. */
            status: string;
        };
        /** @description A run that was asked for. */
        CouncilStarted: {
            /** @description For people. */
            message: string;
            run_id: components["schemas"]["ExecutionId"];
            /** @description `pending`, `running`, `paused`, `completed` or `failed`. */
            status: string;
        };
        /** @description An execution that no worker could finish. */
        DeadLetter: {
            /**
             * Format: uint32
             * @description How many workers tried.
             */
            attempts: number;
            /** @description Since when. */
            dead_since: components["schemas"]["Timestamp"];
            /** @description The agent or graph. */
            definition: string;
            /** @description The run. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description The reason of the failure. */
            reason: string;
            /** @description The execution that tries again, if somebody asked for it. */
            retried_as?: components["schemas"]["ExecutionId"] | null;
            /** @description Its conversation. */
            session_id: components["schemas"]["SessionId"];
        };
        /** @description A list of them. */
        DeadLetters: {
            dead_letters: components["schemas"]["DeadLetter"][];
        };
        /** @description A decision or an answer that counts. */
        Decided: {
            /** @description The approval as it stands now; absent for an answer. */
            approval?: components["schemas"]["PendingApproval"] | null;
            /** @description The conversation. */
            session_id: components["schemas"]["SessionId"];
        };
        /** @description A decision. */
        DecideRequest: {
            /** @description Whether the call may run. It has no default: a decision is said, not left out. */
            approved: boolean;
            /** @description Other arguments for the call; only with an approval. */
            arguments?: unknown;
            /** @description The digest of the arguments that the decider saw; another one than the approval's is refused as stale. */
            arguments_digest?: string | null;
            /** @description Identifies the decision: the same id again is the same decision. Absent: a fresh one. */
            decision_id?: components["schemas"]["EventId"] | null;
            /** @description A note for the model, or for the record. At most 4096 bytes. */
            note?: string | null;
        };
        /** @description A transition from a node. */
        DefinitionEdge: {
            /** @description The node that has ended. */
            from: string;
            /** @description The nodes that run next; several are branches. */
            to: string[];
            /** @description When it is taken; absent: when no other one is. */
            when?: unknown;
        };
        /** @description A step. */
        DefinitionNode: {
            /** @description Tools whose calls wait for an approval: names or patterns. */
            approve?: string[];
            /** @description Answers to choose from, of a human node. */
            choices?: string[];
            /** @description Whether its text goes to the client. */
            client_facing: boolean;
            /** @description Its id. */
            id: string;
            /** @description It begins when every branch before it has arrived. */
            join: boolean;
            /** @description The model and how it is asked; absent where it is the worker's default. */
            model?: unknown;
            /** @description Other agents and graphs that it may call as tools. */
            subagents?: components["schemas"]["DefinitionSubagent"][];
            /** @description The tools that it may call: names or patterns. */
            tools?: string[];
            /** @description `agent`, `tool`, `router` or `human`. */
            type: string;
        };
        /** @description Definitions, by name. */
        Definitions: {
            definitions: components["schemas"]["DefinitionSummary"][];
        };
        /** @description Another agent or graph as a tool. */
        DefinitionSubagent: {
            /** @description The definition that it runs. */
            definition: string;
            /** @description The tool's name. */
            name: string;
        };
        /** @description A definition in a list. */
        DefinitionSummary: {
            /** @description Its purpose, for people. */
            description?: string;
            /** @description `agent` or `graph`. */
            kind: string;
            /** @description The name under which it is started. */
            name: string;
            /**
             * Format: uint
             * @description How many nodes it has.
             */
            nodes: number;
            /** @description Names its content. */
            version: string;
            /**
             * Format: uint
             * @description How many workers have it.
             */
            workers: number;
        };
        /** @description A tool. */
        DefinitionTool: {
            /** @description When and how to use it. */
            description?: string;
            /** @description JSON Schema of its arguments. */
            input_schema?: unknown;
            /** @description Its name. */
            name: string;
        };
        /** @description An agent or a graph. */
        DefinitionView: {
            /** @description Its purpose, for people. */
            description?: string;
            /** @description Which node follows which. */
            edges: components["schemas"]["DefinitionEdge"][];
            /** @description The node that runs first. */
            entry: string;
            /** @description JSON Schema of the input, as far as its templates read it; `{}`: anything. */
            input_schema: unknown;
            /** @description `agent` or `graph`. */
            kind: string;
            /**
             * Format: uint64
             * @description How many iterations an execution may have.
             */
            max_iterations?: number | null;
            /** @description The name under which it is started. */
            name: string;
            /** @description The nodes. An agent is one node of its own name. */
            nodes: components["schemas"]["DefinitionNode"][];
            /** @description The tools that its nodes may call, as far as they are known. */
            tools: components["schemas"]["DefinitionTool"][];
            /** @description Names its content: another content has another one. */
            version: string;
            /** @description The workers that have it. */
            workers?: components["schemas"]["WorkerId"][];
        };
        /** @description A call that the model is writing. */
        Draft: {
            /** @description Its arguments so far: JSON text. */
            arguments: components["schemas"]["Text"];
            /**
             * Format: uint32
             * @description Its number in the turn, from 0.
             */
            index: number;
            /** @description The tool. */
            tool_name: string;
            /** @description Its id. */
            tool_use_id: string;
        };
        /** @description The error. */
        EntryError: {
            /** @description A stable code; absent where the producer gave none. */
            code?: string | null;
            /** @description In words; its beginning. */
            message?: string;
        };
        Error: {
            error: {
                /** @description stable: programs may compare it */
                code: string;
                /** @description the conflicting state */
                details?: {
                    [key: string]: unknown;
                };
                /** @description for people; may change */
                message: string;
                /** @description the field or parameter that is wrong */
                path?: string;
            };
        };
        /** @description docs/events.md; a stored line that is no event has the type `undecodable` */
        Event: {
            attempt?: number;
            correlation_id?: components["schemas"]["CorrelationId"];
            /** @description added on delivery: hand it back to resume after this event */
            cursor: string;
            data?: {
                [key: string]: unknown;
            };
            execution_id?: components["schemas"]["ExecutionId"];
            /** @description added on delivery: the publisher is no part of Runbus */
            external?: boolean;
            /**
             * Format: uuid
             * @description UUIDv7, made by the publisher
             */
            id?: string;
            line?: string;
            line_base64?: string;
            line_bytes?: number;
            node_id?: components["schemas"]["NodeId"];
            reason?: string;
            /** @description added on delivery: see docs/events.md */
            seq: number;
            session_id?: components["schemas"]["SessionId"];
            stream_id?: components["schemas"]["StreamId"];
            /** Format: date-time */
            timestamp?: string;
            /**
             * @description a type of the catalogue, or any other: unknown types are kept
             * @example execution_queued
             * @example execution_waiting
             * @example execution_started
             * @example execution_completed
             * @example execution_failed
             * @example execution_paused
             * @example execution_resumed
             * @example execution_cancel_requested
             * @example execution_cancel_delivered
             * @example execution_cancelled
             * @example attempt_superseded
             * @example state_changed
             * @example state_conflict
             * @example goal_progress
             * @example goal_achieved
             * @example constraint_violation
             * @example stream_started
             * @example stream_stopped
             * @example node_loop_started
             * @example node_loop_iteration
             * @example node_loop_completed
             * @example node_internal_output
             * @example node_input_blocked
             * @example node_stalled
             * @example llm_text_delta
             * @example llm_reasoning_delta
             * @example llm_turn_completed
             * @example llm_retry
             * @example usage_updated
             * @example context_compacted
             * @example tool_call_delta
             * @example tool_call_started
             * @example tool_call_progress
             * @example tool_call_completed
             * @example tool_approval_requested
             * @example tool_approval_decided
             * @example tool_approval_expired
             * @example client_output_delta
             * @example client_input_requested
             * @example client_input_received
             * @example subagent_started
             * @example subagent_completed
             * @example subagent_failed
             * @example session_closed
             * @example session_dead_lettered
             * @example dead_letter_retried
             * @example webhook_failed
             * @example custom
             */
            type: string;
        };
        /** @description A goal was reached. */
        EventAchieved: {
            /** @description Which. */
            goal_id?: string | null;
        };
        /** @description A call was decided. */
        EventApprovalDecided: {
            /** @description The approval's id. */
            approval_id: string;
            /** @description Whether it may run. */
            approved: boolean;
            /** @description The arguments that the decider put in place of the call's. */
            arguments?: unknown;
            /** @description Where it happened, when that is below the execution that tells it. */
            below?: components["schemas"]["EventBelow"] | null;
            /** @description The person who decided. */
            decided_by?: string | null;
            /** @description The decider's note. */
            note?: string | null;
            /** @description The call's id. */
            tool_use_id: string;
        };
        /** @description Nobody decided in time. */
        EventApprovalExpired: {
            /** @description The approval's id. */
            approval_id: string;
            /** @description Where it happened, when that is below the execution that tells it. */
            below?: components["schemas"]["EventBelow"] | null;
            /** @description The call's id. */
            tool_use_id: string;
        };
        /** @description A call waits for a decision. */
        EventApprovalRequested: {
            /** @description The approval's id. */
            approval_id: string;
            /** @description SHA-256 of the canonical arguments; a decision is bound to it. */
            arguments_digest?: string | null;
            /** @description Where it happened, when that is below the execution that tells it. */
            below?: components["schemas"]["EventBelow"] | null;
            /** @description When it expires. */
            expires_at?: components["schemas"]["Timestamp"] | null;
            /** @description Its arguments. */
            tool_input?: unknown;
            /** @description The tool's name. */
            tool_name: string;
            /** @description The call's id. */
            tool_use_id: string;
        };
        /** @description A new worker took the execution over. Streamed output of model calls that it repeats is void. */
        EventAttemptSuperseded: {
            /**
             * Format: uint32
             * @description The attempt that goes on.
             */
            attempt: number;
            /** @description Why the other one ended, as far as it is known. */
            reason: string;
            /**
             * Format: uint32
             * @description The attempt that ended.
             */
            superseded_attempt: number;
            /**
             * Format: uint64
             * @description `seq` of the first event that the new attempt does not stand by: deltas and `node_loop_iteration` from there on
             *     that no `llm_turn_completed` of their node closed are void; branches that did stay. Absent: nothing is void.
             */
            void_from?: number | null;
        };
        /** @description Where something happened that an execution above tells. */
        EventBelow: {
            /** @description The execution. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description Its node. */
            node_id?: components["schemas"]["NodeId"] | null;
            /** @description Its session. */
            session_id: components["schemas"]["SessionId"];
            /** @description The session of the child of the execution that tells it, on the way there. */
            through: components["schemas"]["SessionId"];
        };
        /** @description A tool ended, or its call was answered without running it. */
        EventCallCompleted: {
            /** @description Whether it failed. Default: `false`. */
            is_error?: boolean;
            /** @description The result that the model reads. */
            result?: unknown;
            /** @description The tool's name. */
            tool_name: string;
            /** @description The call's id. */
            tool_use_id: string;
        };
        /** @description A piece of a call that the model writes. The call counts when its turn is completed; void as the text of the turn is. */
        EventCallDelta: {
            /** @description The next piece of the arguments' JSON text. */
            arguments: string;
            /**
             * Format: uint32
             * @description The call's number in its turn, from 0, in the order in which calls begin.
             */
            index: number;
            /** @description The tool's name. */
            tool_name: string;
            /** @description The call's id, as the model gave it. */
            tool_use_id: string;
        };
        /** @description A tool says how far its call has come. Words that come faster than readers can use are left out. */
        EventCallProgress: {
            /** @description The tool's progress, in words. */
            message?: string | null;
            /**
             * Format: double
             * @description A number that grows.
             */
            progress: number;
            /** @description The tool's name. */
            tool_name: string;
            /** @description The call's id. */
            tool_use_id: string;
            /**
             * Format: double
             * @description The number at its end, when the tool knows it.
             */
            total?: number | null;
        };
        /** @description A tool is about to run: its intent is journalled. */
        EventCallStarted: {
            /** @description Its arguments. */
            tool_input?: unknown;
            /** @description The tool's name. */
            tool_name: string;
            /** @description The call's id, as the model gave it. */
            tool_use_id: string;
        };
        /** @description The execution's owner has heard that it is to stop: nothing is begun any more. */
        EventCancelDelivered: {
            /** @description Why. */
            reason?: string | null;
        };
        /** @description An execution was stopped. Terminal. */
        EventCancelled: {
            /** @description Why. */
            reason?: string | null;
        };
        /** @description Somebody asked to stop the execution; it is still running. */
        EventCancelRequested: {
            /** @description Why. */
            reason?: string | null;
            /** @description The person or program that asked. */
            requested_by?: string | null;
        };
        /** @description A key got a new value. */
        EventChanged: {
            /** @description The key. */
            key: string;
            /** @description The new value. */
            new_value?: unknown;
            /** @description The previous value. */
            old_value?: unknown;
            /** @description The readers of the value: `execution`, `stream` or a name that the producer defines. */
            scope?: string | null;
        };
        /** @description A session takes no more input. */
        EventClosed: {
            /** @description Why. */
            reason?: string | null;
        };
        /** @description An execution ended well. Terminal. */
        EventCompleted: {
            /** @description Its result. */
            output?: unknown;
        };
        /** @description Two writers changed the same key. */
        EventConflict: {
            /** @description The key. */
            key?: string | null;
        };
        /** @description A constraint does not hold. */
        EventConstraintViolation: {
            /** @description Which. */
            constraint_id: string;
            /** @description A description of the event. Default: `""`. */
            description?: string;
        };
        /** @description A range of messages was folded into one note. */
        EventContextCompacted: {
            /**
             * Format: uint64
             * @description Messages that were folded. Default: `0`.
             */
            messages?: number;
            /**
             * Format: uint64
             * @description Tokens after. Default: `0`.
             */
            tokens_after?: number;
            /**
             * Format: uint64
             * @description Tokens before. Default: `0`.
             */
            tokens_before?: number;
        };
        /** @description Any object. */
        EventCustom: {
            [key: string]: unknown;
        };
        /** @description No worker could finish an execution. */
        EventDeadLettered: {
            /**
             * Format: uint32
             * @description How many workers tried.
             */
            attempts: number;
            /** @description The agent or graph. */
            definition: string;
            /** @description The execution. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description The reason of the failure. */
            reason: string;
            /** @description The session. */
            session_id: components["schemas"]["SessionId"];
        };
        /** @description A dead execution is tried again. */
        EventDeadLetterRetried: {
            /** @description The dead execution. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description The execution that tries again. */
            retried_as: components["schemas"]["ExecutionId"];
        };
        /** @description An event that may lack its id and its time. Fields that no event has are refused. */
        EventDraft: {
            /**
             * Format: uint32
             * @description The producer's try at the execution, from 1.
             */
            attempt?: number | null;
            /** @description The id that ties the execution to others. */
            correlation_id?: components["schemas"]["CorrelationId"] | null;
            /** @description The payload. A type of the catalogue has the fields of the catalogue. */
            data: {
                [key: string]: unknown;
            };
            /** @description The run. */
            execution_id?: components["schemas"]["ExecutionId"] | null;
            /** @description Its id; absent: a fresh one. The same id again stores nothing new: give it, then the call can be repeated. */
            id?: components["schemas"]["EventId"] | null;
            /** @description The step inside the stream's graph. */
            node_id?: components["schemas"]["NodeId"] | null;
            /** @description The conversation. */
            session_id?: components["schemas"]["SessionId"] | null;
            /** @description The line of work. */
            stream_id: components["schemas"]["StreamId"];
            /** @description When it happened; absent: now. */
            timestamp?: components["schemas"]["Timestamp"] | null;
            /** @description The event type. */
            type: components["schemas"]["EventType"];
        };
        /** @description An execution ended badly. Terminal. */
        EventFailed: {
            /** @description The error: for Runbus's own workers an object `{code, message, ...}`; other producers send text. */
            error?: unknown;
        };
        /**
         * Format: uuid
         * @description An event's identity: a UUID, version 7 when Runbus makes it, version 5 when it is derived from a journal entry.
         */
        EventId: string;
        /** @description A node needs input that nobody gave. */
        EventInputBlocked: {
            /** @description The question. Default: `""`. */
            prompt?: string;
        };
        /** @description A human answered. */
        EventInputReceived: {
            /** @description The person who answered. */
            answered_by?: string | null;
            /** @description Where it happened, when that is below the execution that tells it. */
            below?: components["schemas"]["EventBelow"] | null;
            /** @description The answer. */
            input?: unknown;
            /** @description The request's id. */
            request_id?: string | null;
        };
        /** @description A node asks a human. */
        EventInputRequested: {
            /** @description Where it happened, when that is below the execution that tells it. */
            below?: components["schemas"]["EventBelow"] | null;
            /** @description The answers to choose from; empty: any. */
            choices?: string[];
            /** @description When it is no longer waited for. */
            expires_at?: components["schemas"]["Timestamp"] | null;
            /** @description The question. Default: `""`. */
            prompt?: string;
            /** @description The id of the request, which an answer names. */
            request_id?: string | null;
            /** @description The call that asks, when it is a tool's. */
            tool_use_id?: string | null;
        };
        /** @description Output of a node that is not client-facing. */
        EventInternalOutput: {
            /** @description The text. */
            content: string;
            /** @description The structured output, where the node has one. */
            output?: unknown;
        };
        /** @description A node ended its loop. */
        EventLoopCompleted: {
            /**
             * Format: uint32
             * @description Rounds that it took.
             */
            iterations: number;
        };
        /** @description A round of a node's loop began. */
        EventLoopIteration: {
            /**
             * Format: uint32
             * @description From 1.
             */
            iteration: number;
            /** @description Names the message that the model's answer becomes. */
            message_id?: string | null;
        };
        /** @description A node began its loop. */
        EventLoopStarted: {
            /**
             * Format: uint32
             * @description Which pass of the graph's cycle this is, from 1.
             */
            iteration?: number | null;
            /**
             * Format: uint32
             * @description Its safety valve: rounds at most.
             */
            max_iterations?: number | null;
        };
        /** @description A piece of output of a client-facing node. */
        EventOutputDelta: {
            /** @description The piece. */
            content: string;
            /** @description The text so far, when the producer sends it. */
            snapshot?: string | null;
        };
        /**
         * @description A page on the wire. Events are the stored text: a number that has no place in a float, or data nested deeply, comes out
         *     as it went in.
         */
        EventPage: {
            /** @description Events, and lines that are none, in the order asked for. */
            events: components["schemas"]["Event"][];
            /** @description The parts of the requested range that are gone. */
            gaps: components["schemas"]["Gap"][];
            /** @description Where to go on; `null` when nothing is left in this direction. */
            next: string | null;
        };
        /** @description The execution that started another one as a sub-agent. */
        EventParentExecution: {
            /** @description The execution. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description The execution at the top of the tree; absent: this one. */
            root?: components["schemas"]["ExecutionId"] | null;
            /** @description Its session. */
            session_id: components["schemas"]["SessionId"];
        };
        /** @description An execution waits, by command or for a decision. */
        EventPaused: {
            /** @description Why. */
            reason?: string | null;
        };
        /** @description How far a goal has come. */
        EventProgress: {
            /** @description The state of each criterion. */
            criteria_status?: unknown;
            /**
             * Format: double
             * @description From 0 to 1.
             */
            progress: number;
        };
        /** @description Somebody asked for an execution; a worker will take it. */
        EventQueued: {
            /** @description The agent or graph that it will run. */
            definition?: string | null;
            /** @description Labels, as the start gave them. */
            labels?: {
                [key: string]: string;
            };
            /** @description The execution that started it as a sub-agent. */
            parent?: components["schemas"]["EventParentExecution"] | null;
            /** @description `sha256:` and the hexadecimal SHA-256 of what was asked for, `[definition, input]` as canonical JSON. */
            request_digest?: string | null;
        };
        /** @description A piece of the model's reasoning. */
        EventReasoningDelta: {
            /** @description The piece. */
            content: string;
        };
        /** @description A paused execution goes on. */
        EventResumed: {
            /** @description Why. */
            reason?: string | null;
        };
        /** @description A call of the model failed and is tried again. Output streamed before in this turn is void. */
        EventRetry: {
            /**
             * Format: uint64
             * @description The wait before it, in milliseconds. Default: `0`.
             */
            delay_ms?: number;
            /** @description The error: `{code, message, status, ...}`. */
            error?: unknown;
            /** @description Names the message that is void. */
            message_id?: string | null;
            /** @description The model that is asked next, when it is another one: a fallback of the definition. */
            model?: string | null;
            /**
             * Format: uint32
             * @description Which try comes next, from 2. Default: `0`.
             */
            next_try?: number;
        };
        /** @description A node makes no progress. */
        EventStalled: {
            /** @description Why, as far as it is known. Default: `""`. */
            reason?: string;
        };
        /** @description An execution began. */
        EventStarted: {
            /** @description The agent or graph that it runs. */
            definition?: string | null;
            /** @description The input of the execution. */
            input?: unknown;
        };
        /** @description A stream accepts executions. */
        EventStreamStarted: {
            /** @description The producer's description of the stream. */
            description?: string | null;
        };
        /** @description A stream accepts no more. */
        EventStreamStopped: {
            /** @description Why. */
            reason?: string | null;
        };
        /** @description A child ended well. */
        EventSubagentCompleted: {
            /** @description Where it happened, when that is below the execution that tells it. */
            below?: components["schemas"]["EventBelow"] | null;
            /** @description Its result. */
            output?: unknown;
            /** @description The child. */
            session_id: components["schemas"]["SessionId"];
        };
        /** @description A child ended badly. */
        EventSubagentFailed: {
            /** @description Where it happened, when that is below the execution that tells it. */
            below?: components["schemas"]["EventBelow"] | null;
            /** @description The error. */
            error?: unknown;
            /** @description The child. */
            session_id: components["schemas"]["SessionId"];
        };
        /** @description A tool spawned a session of its own. */
        EventSubagentStarted: {
            /** @description Where it happened, when that is below the execution that tells it. */
            below?: components["schemas"]["EventBelow"] | null;
            /** @description Its execution. */
            execution_id?: components["schemas"]["ExecutionId"] | null;
            /** @description The agent that it runs. */
            name: string;
            /** @description The child. */
            session_id: components["schemas"]["SessionId"];
            /** @description The call that spawned it. */
            tool_use_id?: string | null;
        };
        /** @description A piece of the model's answer. */
        EventTextDelta: {
            /** @description The piece. */
            content: string;
            /** @description The text so far, when the producer sends it. Runbus's workers do not: it makes a stream's size quadratic. */
            snapshot?: string | null;
        };
        /** @description A tool call as the model wrote it. */
        EventToolCall: {
            /** @description The arguments as the model wrote them: JSON text, not always valid. */
            arguments: string;
            /** @description The tool's name. */
            tool_name: string;
            /** @description The call's id. */
            tool_use_id: string;
        };
        /** @description A call of the model ended well and is recorded. */
        EventTurnCompleted: {
            /** @description The whole text of the turn. */
            content?: string | null;
            /** @description `stop`, `tool_calls`, `length`, ... as the provider says. */
            finish_reason?: string | null;
            /** @description Names the message of this turn, the same in every event of it and among the session's messages. */
            message_id?: string | null;
            /** @description The model that answered. */
            model?: string | null;
            /** @description The provider that answered, by the name of its section in the worker's configuration. */
            provider?: string | null;
            /** @description The whole reasoning of the turn, where the provider discloses it. */
            reasoning?: string | null;
            /** @description The provider's id of the request, for its support. */
            request_id?: string | null;
            /** @description Calls that the model asks for. */
            tool_calls?: components["schemas"]["EventToolCall"][];
            /** @description Tokens. */
            usage?: components["schemas"]["EventUsage"] | null;
        };
        EventType: string;
        /** @description Tokens of one or more calls. */
        EventUsage: {
            /**
             * Format: uint64
             * @description Tokens read from the provider's cache, part of `prompt_tokens`, where the provider says so.
             */
            cached_tokens?: number | null;
            /**
             * Format: uint64
             * @description Tokens written. Default: `0`.
             */
            completion_tokens?: number;
            /**
             * Format: double
             * @description The price, where the providers state one, in their currency.
             */
            cost?: number | null;
            /** @description Whether a provider did not count: then these tokens, or a part of them, are estimated from the length of the texts. */
            estimated?: boolean;
            /**
             * Format: uint64
             * @description Tokens read. Default: `0`.
             */
            prompt_tokens?: number;
            /**
             * Format: uint64
             * @description Tokens written as reasoning, part of `completion_tokens`, where the provider says so.
             */
            reasoning_tokens?: number | null;
            /**
             * Format: uint64
             * @description Both. Default: `0`.
             */
            total_tokens?: number;
        };
        /** @description The usage of the execution so far. */
        EventUsageUpdated: {
            /** @description The part of it that the executions below used. */
            below?: components["schemas"]["EventUsed"] | null;
            /**
             * Format: uint32
             * @description Calls so far, of all of them. Default: `0`.
             */
            rounds?: number;
            /** @description Tokens of all calls of the execution and of all executions below it. */
            usage: components["schemas"]["EventUsage"];
        };
        /** @description The usage of an execution, with all below it. */
        EventUsed: {
            /**
             * Format: uint32
             * @description Calls of the model.
             */
            rounds: number;
            /** @description Tokens. */
            usage: components["schemas"]["EventUsage"];
        };
        /** @description No worker that is there can run the execution: it waits for one that can. */
        EventWaiting: {
            /** @description The agent or graph that it runs. */
            definition?: string | null;
            /** @description The tool that is missing; absent: the definition is. */
            tool?: string | null;
            /** @description The missing capability or capacity, in words. */
            waits_for: string;
        };
        /** @description An event was given up for one endpoint: the receiver will not get it. */
        EventWebhookFailed: {
            /**
             * Format: uint32
             * @description How often it was tried.
             */
            attempts: number;
            /** @description The endpoint's name in the configuration. */
            endpoint: string;
            /** @description The error of the last try. */
            error: string;
            /** @description The event that was not delivered. */
            event_id: components["schemas"]["EventId"];
            /** @description Its type. */
            event_type: components["schemas"]["EventType"];
            /** @description The run that it is of. */
            execution_id?: components["schemas"]["ExecutionId"] | null;
        };
        /** @description A value, or the beginning of its JSON text. */
        Excerpt: {
            /**
             * Format: uint64
             * @description Bytes that are missing behind it; absent: none.
             */
            truncated_bytes?: number;
            /** @description The value; when bytes are missing, a text: the beginning of the value's JSON, or of the text that it was. */
            value: unknown;
        };
        /** @description The state of a run. */
        Execution: {
            /** @description The node that is at work. */
            active_node?: components["schemas"]["NodeId"] | null;
            /**
             * Format: uint32
             * @description The worker's try, from 1.
             */
            attempt?: number | null;
            /** @description The id that ties the execution to others. */
            correlation_id?: components["schemas"]["CorrelationId"] | null;
            /** @description The agent or graph. */
            definition?: string | null;
            /** @description When it ended. */
            ended_at?: components["schemas"]["Timestamp"] | null;
            /** @description The error. */
            error?: unknown;
            /**
             * Format: uint64
             * @description Events so far.
             */
            events: number;
            /** @description The run. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description Runbus does not run it: others tell it. Default: `false`. */
            external: boolean;
            /**
             * @description Events before the first one read are missing. Absent: no event is known to be
             *     missing.
             */
            gap?: components["schemas"]["ExecutionGap"] | null;
            /**
             * Format: uint32
             * @description Which pass of the graph's cycle, from 1.
             */
            iteration?: number | null;
            /** @description Labels, as the start gave them. */
            labels?: components["schemas"]["Labels"];
            /** @description Its result. */
            output?: unknown;
            /** @description The execution that started it as a sub-agent. */
            parent?: components["schemas"]["ParentExecution"] | null;
            /**
             * Format: double
             * @description How far its goal has come, 0 to 1.
             */
            progress?: number | null;
            /** @description When it was asked for. */
            queued_at?: components["schemas"]["Timestamp"] | null;
            /** @description `sha256:` and the hexadecimal SHA-256 of what was asked for, `[definition, input]` as canonical JSON. */
            request_digest?: string | null;
            /**
             * Format: uint32
             * @description Calls of models so far. Default: `0`.
             */
            rounds: number;
            /** @description Its conversation. */
            session_id?: components["schemas"]["SessionId"] | null;
            /** @description When it began. */
            started_at?: components["schemas"]["Timestamp"] | null;
            /** @description Where it stands. */
            status: components["schemas"]["ExecutionStatus"];
            /** @description Its line of work. */
            stream_id: components["schemas"]["StreamId"];
            /** @description When something happened last. */
            updated_at?: components["schemas"]["Timestamp"] | null;
            /** @description Tokens so far. */
            usage?: components["schemas"]["Usage"] | null;
            /** @description Approvals and questions that wait for a person, by id. */
            waiting?: {
                [key: string]: components["schemas"]["Waiting"];
            };
            /** @description The missing capability, in words, when no present worker can run it. */
            waits_for?: string | null;
        };
        /** @description An execution in a list. */
        ExecutionEntry: {
            /**
             * Format: uint
             * @description Approvals that wait, those of sub-agents included.
             */
            approvals: number;
            /**
             * Format: uint32
             * @description The worker's try, from 1.
             */
            attempt?: number | null;
            /** @description It ties executions together. */
            correlation_id?: components["schemas"]["CorrelationId"] | null;
            /** @description When the log stored its first event. */
            created_at: components["schemas"]["Timestamp"];
            /** @description The agent or graph. */
            definition?: string | null;
            /** @description When it ended. */
            ended_at?: components["schemas"]["Timestamp"] | null;
            /** @description The error. */
            error?: components["schemas"]["EntryError"] | null;
            /** @description The run. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description Runbus does not run it: others tell it. */
            external: boolean;
            /** @description The beginning of its input: text as it is, other JSON as JSON text; at most 256 bytes. */
            input?: string | null;
            /** @description Whether the input has more. */
            input_cut?: boolean;
            /**
             * Format: uint32
             * @description Which pass of the graph's cycle, from 1.
             */
            iteration?: number | null;
            /** @description Labels, as the start gave them. */
            labels?: components["schemas"]["Labels"];
            /** @description The nodes at work; 16 at most. */
            nodes?: components["schemas"]["NodeId"][];
            /** @description The execution that started it as a sub-agent. */
            parent?: components["schemas"]["ParentEntry"] | null;
            /**
             * Format: double
             * @description How far its goal has come, 0 to 1.
             */
            progress?: number | null;
            /**
             * Format: uint
             * @description Questions that wait, those of sub-agents included.
             */
            questions: number;
            /** @description The execution at the top of its tree; absent: itself. */
            root?: components["schemas"]["ExecutionId"] | null;
            /**
             * Format: uint32
             * @description Calls of models so far.
             */
            rounds: number;
            /** @description Its conversation. */
            session_id?: components["schemas"]["SessionId"] | null;
            /** @description When it began. */
            started_at?: components["schemas"]["Timestamp"] | null;
            /** @description Where it stands. */
            status: components["schemas"]["ExecutionStatus"];
            /** @description Its line of work. */
            stream_id: components["schemas"]["StreamId"];
            /** @description When something happened last. */
            updated_at: components["schemas"]["Timestamp"];
            /** @description Tokens so far, those of sub-agents included. */
            usage?: components["schemas"]["Usage"] | null;
            /** @description No worker that is there can run it: what it waits for, in words. */
            waits_for?: string | null;
        };
        /**
         * @description Why events of a run are missing.
         *     - `expired`: Retention removed them.
         * @enum {string}
         */
        ExecutionGap: "expired";
        /** @description at most 128 bytes of UTF-8 without control characters */
        ExecutionId: string;
        /** @description A page of executions. */
        ExecutionList: {
            /** @description Whether the index follows the log; else it is being built, and more entries may come. */
            complete: boolean;
            /** @description Entries that match, whatever their status, by status; absent: nobody asked. */
            counts?: {
                [key: string]: number;
            } | null;
            /** @description Whether all were counted; else there are at least so many. */
            counts_exact?: boolean | null;
            /** @description The entries, in order. */
            executions: components["schemas"]["ExecutionEntry"][];
            /** @description Where the next page begins; absent: nothing is left. */
            next?: string | null;
        };
        /**
         * @description Where a run stands.
         *     - `queued`: Asked for; no worker has begun.
         *     - `running`: A worker works on it.
         *     - `waiting_for_approval`: A tool call waits for a decision.
         *     - `waiting_for_input`: A node waits for a human's answer.
         *     - `paused`: Paused by command.
         *     - `completed`: Ended well.
         *     - `failed`: Ended badly.
         *     - `cancelled`: Stopped.
         * @enum {string}
         */
        ExecutionStatus: "queued" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "completed" | "failed" | "cancelled";
        /** @description Data of a provider, unchanged. */
        Extra: {
            [key: string]: unknown;
        };
        /** @description Events that are missing: both places as cursors. */
        Gap: {
            first_available: string;
            reason: components["schemas"]["GapReason"];
            requested: string;
            /** @description Always `gap`. */
            type: string;
        };
        /**
         * @description Why a reader cannot have what it asked for.
         *     - `expired`: Retention removed it.
         *     - `recreated`: The log was deleted and made again, or lost its end.
         * @enum {string}
         */
        GapReason: "expired" | "recreated";
        /** @description A gateway's report. */
        GatewayReport: {
            /** @description Where it listens. */
            address: string;
            /** @description The time of this report. */
            at: components["schemas"]["Timestamp"];
            /**
             * Format: uint
             * @description Clients: WebSockets, event streams, requests that wait.
             */
            connections: number;
            /** @description Its id, new with each start. */
            gateway: string;
            /**
             * Format: uint
             * @description Scopes that are watched.
             */
            hubs: number;
            /** @description It keeps the index of the lists. */
            indexes: boolean;
            /**
             * Format: uint
             * @description Live lists that are watched.
             */
            lists: number;
            /**
             * Format: uint
             * @description Monitors that are folded.
             */
            monitors: number;
            /** @description Since when it is at work. */
            since: components["schemas"]["Timestamp"];
            /** @description Its version. */
            version: string;
        };
        /** @description The gateways' reports. */
        Gateways: {
            gateways: components["schemas"]["GatewayReport"][];
        };
        /** @description One gateway. */
        GatewayStatistics: {
            /**
             * Format: uint
             * @description Subscriptions that were too slow for the recent events and read the log at their own pace now. That is found out when
             *     the next is prepared for the client: one that takes nothing at the moment is counted when its write ends, or never,
             *     when it is closed for that (`cut`). Until then its bytes are in `held_bytes`.
             */
            behind: number;
            /**
             * Format: uint
             * @description Clients: WebSockets, event streams, requests that wait.
             */
            connections: number;
            /**
             * Format: uint64
             * @description WebSockets that were closed because a write did not end in time (4001, drop-in endpoints 1013).
             */
            cut: number;
            /**
             * Format: uint
             * @description Bytes that are prepared for clients which have not taken them yet. Event streams: the last piece of each.
             */
            held_bytes: number;
            /**
             * Format: uint
             * @description Scopes that are watched.
             */
            hubs: number;
            /**
             * Format: uint
             * @description How many there may be: `gateway.max_connections`, or less where the limit of open files is too low.
             */
            max_connections: number;
            /**
             * Format: uint64
             * @description The limit of open files.
             */
            open_files: number;
            /**
             * Format: uint64
             * @description How often that happened.
             */
            spills: number;
        };
        /** @description How far an execution has come. */
        Goals: {
            /**
             * Format: uint64
             * @description Goals that were achieved. Default: `0`.
             */
            achieved: number;
            /** @description How the criteria stand, as the producer says. */
            criteria_status?: unknown;
            /**
             * Format: double
             * @description 0 to 1.
             */
            progress?: number | null;
            /** @description Constraints that were violated: how often each. */
            violations?: {
                [key: string]: number;
            };
        };
        /** @description The process is alive. */
        Health: {
            /** @description Always `ok`. */
            status: string;
        };
        /** @description The list of endpoints. */
        Index: {
            /** @description `"GET /path": "what it is for"`. */
            endpoints: {
                [key: string]: unknown;
            };
            name: string;
            version: string;
        };
        Labels: {
            [key: string]: string;
        };
        /** @description The messages. */
        Messages: {
            messages: components["schemas"]["SaidMessage"][];
            /**
             * Format: uint
             * @description Where the next ones are; absent: these are the last.
             */
            next?: number | null;
            session_id: components["schemas"]["SessionId"];
        };
        /** @description A minted token. */
        Minted: {
            expires_at: components["schemas"]["Timestamp"] | null;
            scopes: string[];
            token: string;
            token_id: string | null;
        };
        /** @description The request for a token. */
        MintRequest: {
            /** @description Some of the caller's scopes; absent: all that it may read. */
            scopes?: string[] | null;
            /**
             * Format: uint64
             * @description How long it should live; at most `auth.stream_tokens.ttl_s`.
             */
            ttl_s?: number | null;
        };
        /** @description The view of one stream, or of all. Bounded: long values are cut, old entries are removed. */
        Monitor: {
            /** @description Calls that wait for a decision. Present since somebody asked for one. */
            approvals?: components["schemas"]["MonitorApprovals"] | null;
            /** @description Where agents run code, by contributor. */
            code_execution?: {
                [key: string]: unknown;
            } | null;
            /** @description Whether everything that the log holds of it was looked at. `false`: only the newest part, which is bounded. */
            complete: boolean;
            /** @description The sources and tools of the agents. */
            context?: components["schemas"]["MonitorContext"] | null;
            /** @description Executions and their nodes. */
            graph?: components["schemas"]["MonitorGraph"] | null;
            /** @description MCP servers by name, and the state of each by contributor: a worker, or `stream/<stream_id>` for an event. */
            mcp?: {
                [key: string]: {
                    [key: string]: unknown;
                };
            } | null;
            /** @description Whether something was left out so that the document keeps within its limit of bytes. */
            reduced?: boolean;
            /** @description The stream; absent: all. */
            stream_id?: components["schemas"]["StreamId"] | null;
            /** @description Tokens, and their cost. */
            usage?: components["schemas"]["Used"] | null;
        };
        /** @description A monitor on the wire, as in a `monitor_snapshot`. */
        MonitorAnswer: {
            /** @description The monitor. */
            monitor: components["schemas"]["Monitor"];
            /**
             * Format: uint64
             * @description Counts up with every change; no gateway knows another one's.
             */
            revision: number;
        };
        /** @description A call that waits for a decision. */
        MonitorApproval: {
            /** @description SHA-256 of the canonical arguments. */
            arguments_digest?: string | null;
            /** @description The run. */
            execution_id?: components["schemas"]["ExecutionId"] | null;
            /** @description Until when. */
            expires_at?: components["schemas"]["Timestamp"] | null;
            /** @description The node. */
            node_id?: components["schemas"]["NodeId"] | null;
            /** @description Since when. */
            requested_at: components["schemas"]["Timestamp"];
            /** @description The conversation. */
            session_id?: components["schemas"]["SessionId"] | null;
            /** @description The stream. */
            stream_id: components["schemas"]["StreamId"];
            /** @description Its arguments; `{cut, bytes, begins}` when they are long. */
            tool_input: unknown;
            /** @description The tool. */
            tool_name: string;
            /** @description The call. */
            tool_use_id: string;
        };
        /** @description Calls that wait for a decision. */
        MonitorApprovals: {
            /**
             * Format: uint
             * @description How many.
             */
            count: number;
            /** @description They, by id. */
            pending: {
                [key: string]: components["schemas"]["MonitorApproval"];
            };
        };
        /** @description The sources and tools of the agents. */
        MonitorContext: {
            /** @description How the agents and graphs are configured, by name: models and tools of each node, as workers report it. */
            agents?: {
                [key: string]: components["schemas"]["AgentReport"];
            };
            /** @description The conversations that went on last, by session; by execution where there is no session. */
            conversations?: {
                [key: string]: components["schemas"]["Conversation"];
            };
            /** @description Tools by name: those that the agents may call, and those that were called. */
            tools?: {
                [key: string]: components["schemas"]["MonitorTool"];
            };
        };
        /** @description Executions and their nodes. */
        MonitorGraph: {
            /**
             * Format: uint
             * @description Executions that have not ended, of those shown.
             */
            active: number;
            /** @description They, by id; those that ended go first when there are many. */
            executions: {
                [key: string]: components["schemas"]["MonitorRun"];
            };
            /**
             * Format: uint64
             * @description Executions that were shown once and are not any more. Default: `0`.
             */
            omitted: number;
        };
        /** @description A message of a conversation. */
        MonitorMessage: {
            /** @description When. */
            at: components["schemas"]["Timestamp"];
            /** @description The content; `{cut, bytes, begins}` when it is long. */
            content: unknown;
            /** @description The node. */
            node_id?: components["schemas"]["NodeId"] | null;
            /** @description The author. */
            role: components["schemas"]["MonitorRole"];
            /** @description Calls that the model asks for. */
            tool_calls?: unknown[];
            /** @description The tool that answers, and its call. */
            tool_name?: string | null;
            /** @description The call that is answered. */
            tool_use_id?: string | null;
        };
        /** @description A node of an execution. */
        MonitorNode: {
            /** @description Whether it is at work. */
            at_work: boolean;
            /**
             * Format: uint32
             * @description The round of its loop, from 1.
             */
            iteration?: number | null;
            /**
             * Format: uint32
             * @description Its safety valve: rounds at most.
             */
            max_iterations?: number | null;
            /**
             * Format: uint32
             * @description How often it began.
             */
            passes: number;
            /**
             * Format: uint64
             * @description Calls of the model that failed and were tried again. Default: `0`.
             */
            retries: number;
            /** @description Why it makes no progress, until it does. */
            stalled?: string | null;
            /**
             * Format: uint64
             * @description Tool calls that ended. Default: `0`.
             */
            tool_calls: number;
            /**
             * Format: uint64
             * @description Of these, those that failed. Default: `0`.
             */
            tool_errors: number;
        };
        /**
         * @description The author of a message.
         *     - `user`: The caller that started the execution, or answered a question.
         *     - `assistant`: The model.
         *     - `tool`: A tool.
         * @enum {string}
         */
        MonitorRole: "user" | "assistant" | "tool";
        /** @description An execution. */
        MonitorRun: {
            /** @description The node that is at work. */
            active_node?: components["schemas"]["NodeId"] | null;
            /**
             * Format: uint32
             * @description The worker's try, from 1.
             */
            attempt?: number | null;
            /** @description The agent or graph. */
            definition?: string | null;
            /** @description When it ended. */
            ended_at?: components["schemas"]["Timestamp"] | null;
            /** @description The error. */
            error?: unknown;
            /** @description Runbus does not run it: others tell it. */
            external?: boolean;
            /** @description Its goals. */
            goals?: components["schemas"]["Goals"] | null;
            /**
             * Format: uint32
             * @description Which pass of the graph's cycle, from 1.
             */
            iteration?: number | null;
            /** @description Its nodes, at most 64. */
            nodes?: {
                [key: string]: components["schemas"]["MonitorNode"];
            };
            /** @description When it was asked for. */
            queued_at?: components["schemas"]["Timestamp"] | null;
            /**
             * Format: uint32
             * @description Calls of models.
             */
            rounds: number;
            /** @description The conversation. */
            session_id?: components["schemas"]["SessionId"] | null;
            /** @description When it began. */
            started_at?: components["schemas"]["Timestamp"] | null;
            /** @description Where it stands. */
            status: components["schemas"]["ExecutionStatus"];
            /** @description The stream. */
            stream_id: components["schemas"]["StreamId"];
            /** @description Tokens. */
            usage?: components["schemas"]["Usage"] | null;
        };
        /** @description How often a tool was called. */
        MonitorTool: {
            /**
             * Format: uint64
             * @description Calls that ended.
             */
            calls: number;
            /**
             * Format: uint64
             * @description Of these, those that failed.
             */
            errors: number;
        };
        /**
         * @description The policy for a second execution of a session while one is at work.
         *     - `reject`: It is refused.
         *     - `enqueue`: It waits its turn.
         *     - `interrupt`: The one at work is stopped, its open calls are closed, its messages stay.
         *     - `rollback`: The one at work is stopped and forgotten.
         * @enum {string}
         */
        Multitask: "reject" | "enqueue" | "interrupt" | "rollback";
        /** @description A step of the stream's graph. */
        Node: {
            /**
             * Format: uint32
             * @description Which pass of the graph's cycle, from 1.
             */
            iteration?: number | null;
            /** @description Names the message that its model is writing. */
            message_id?: string | null;
            /** @description The last output, [`crate::limits::SNAPSHOT_OUTPUT_BYTES`] at most; of client-facing nodes see the turns. */
            output?: components["schemas"]["Excerpt"] | null;
            /**
             * Format: uint32
             * @description Calls of its model that failed and were made again. Default: `0`.
             */
            retries: number;
            /**
             * Format: uint32
             * @description The round of its loop, from 1; 0: none has begun.
             */
            round: number;
            /** @description The state. */
            state: components["schemas"]["NodeState"];
            /** @description When something happened to it last. */
            updated_at: components["schemas"]["Timestamp"];
            /**
             * Format: uint32
             * @description How often its loop began.
             */
            visits: number;
        };
        /** @description at most 128 bytes of UTF-8 without control characters */
        NodeId: string;
        /** @description How a node is configured. */
        NodeReport: {
            /** @description The model and how it is asked: `name`, `temperature`, `max_tokens`; absent where it is the worker's default. */
            model?: unknown;
            /** @description The tools that it may call. */
            tools?: string[];
        };
        /**
         * @description The state of a node.
         *     - `running`: It works.
         *     - `waiting`: It waits for a person.
         *     - `stalled`: It says that it makes no progress.
         *     - `completed`: It has ended, until the graph visits it again.
         *     - `stopped`: The execution ended while it worked.
         * @enum {string}
         */
        NodeState: "running" | "waiting" | "stalled" | "completed" | "stopped";
        /** @description A command that has nothing to say but its name. */
        Nothing: Record<string, never>;
        /**
         * @description Which end comes first.
         *     - `oldest`: Oldest first.
         *     - `newest`: Newest first.
         * @enum {string}
         */
        Order: "oldest" | "newest";
        /** @description The execution that started another one as a sub-agent. */
        ParentEntry: {
            /** @description The execution. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description Its session. */
            session_id: components["schemas"]["SessionId"];
        };
        /** @description The execution that started another one as a sub-agent. */
        ParentExecution: {
            /** @description The execution. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description The execution at the top of the tree; absent: this one. */
            root?: components["schemas"]["ExecutionId"] | null;
            /** @description Its session. */
            session_id: components["schemas"]["SessionId"];
        };
        /** @description A part as it is written. `text` has `text`; the others have either `data` with `media_type`, or `url`. */
        Part: {
            /** @description The bytes in base64 (with padding, without white space); at most 256 KiB. */
            data?: string | null;
            /** @description The type of the data, as in `image/png`. At most 127 bytes. */
            media_type?: string | null;
            /** @description The file's name. At most 255 bytes. */
            name?: string | null;
            /** @description The text of a `text`. */
            text?: string | null;
            /**
             * @description The kind.
             * @enum {string}
             */
            type: "text" | "image" | "audio" | "file";
            /** @description An address that the provider asks: `https`, `http`, `gs`, at most 8 KiB. Runbus does not ask it. A `data:` address is read as `data`. */
            url?: string | null;
        };
        /** @description An approval, as those who decide see it. */
        PendingApproval: {
            /** @description Names it. */
            approval_id: string;
            /** @description Whether the call may run, once it is decided. */
            approved?: boolean | null;
            /** @description SHA-256 of the canonical arguments. */
            arguments_digest: string;
            /** @description When it was decided. */
            decided_at?: components["schemas"]["Timestamp"] | null;
            /** @description The person who decided. */
            decided_by?: string | null;
            /** @description Of which execution. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description Until when. */
            expires_at?: components["schemas"]["Timestamp"] | null;
            /** @description Of which node. */
            node_id: components["schemas"]["NodeId"];
            /** @description The decider's note. */
            note?: string | null;
            /** @description Since when. */
            requested_at: components["schemas"]["Timestamp"];
            /** @description Where it stands. */
            status: components["schemas"]["ApprovalStatus"];
            /** @description The call's arguments. */
            tool_input: unknown;
            /** @description The tool. */
            tool_name: string;
            /** @description The call. */
            tool_use_id: string;
        };
        /** @description A call without an answer. */
        PendingCall: {
            /** @description Its arguments, as the model wrote them. */
            arguments: string;
            /** @description Where it stands. */
            status: components["schemas"]["CallStatus"];
            /** @description The tool. */
            tool_name: string;
            /** @description Its id. */
            tool_use_id: string;
        };
        /** @description Calls without an answer. */
        PendingCalls: {
            pending: components["schemas"]["PendingCall"][];
            session_id: components["schemas"]["SessionId"];
        };
        /** @description A question, as those who answer see it. */
        PendingQuestion: {
            /** @description The answers to choose from; empty: any. Default: `[]`. */
            choices: string[];
            /** @description The execution that asks, when it is below this session's. */
            execution_id?: components["schemas"]["ExecutionId"] | null;
            /** @description Until when. */
            expires_at?: components["schemas"]["Timestamp"] | null;
            /** @description Of which node. */
            node_id: components["schemas"]["NodeId"];
            /** @description The question. */
            prompt: string;
            /** @description Names it. */
            request_id: string;
        };
        /** @description The watchers of an execution. */
        Presence: {
            /**
             * Format: uint64
             * @description Subscriptions, over all gateways.
             */
            count: number;
            /** @description Which. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description Those who watch longest, 100 at most. */
            watchers: components["schemas"]["Watcher"][];
        };
        /**
         * @description Which of several waiting sessions a worker takes first.
         *     - `high`: Somebody waits for it.
         *     - `normal`: The usual.
         *     - `low`: When nothing else is to do; it is not starved.
         * @enum {string}
         */
        Priority: "high" | "normal" | "low";
        /** @description Events that are durable. */
        Published: {
            /** @description In the order in which they were given. */
            events: components["schemas"]["StoredEvent"][];
        };
        /** @description Events to publish, in order. */
        PublishRequest: {
            /** @description Each may lack `id` and `timestamp`. */
            events: components["schemas"]["EventDraft"][];
        };
        /** @description A question that waits for an answer. */
        Question: {
            /** @description Where it waits, when that is below the execution. */
            below?: components["schemas"]["Below"] | null;
            /** @description The answers to choose from, [`crate::limits::SNAPSHOT_CHOICES`] at most; empty: any. */
            choices?: string[];
            /** @description When it is no longer waited for. */
            expires_at?: components["schemas"]["Timestamp"] | null;
            /** @description The node that asks. */
            node_id?: components["schemas"]["NodeId"] | null;
            /** @description The question; its end when it is too long. */
            prompt: components["schemas"]["Text"];
            /** @description The id that an answer names; empty when its producer gave none. */
            request_id: string;
            /** @description The call that asks, when it is a tool's. */
            tool_use_id?: string | null;
        };
        /** @description A question in a list. */
        QuestionEntry: {
            /** @description When it was settled. */
            answered_at?: components["schemas"]["Timestamp"] | null;
            /** @description The person who answered. */
            answered_by?: string | null;
            /** @description The answers to choose from, the first 32; empty: any. */
            choices?: string[];
            /** @description The agent or graph. */
            definition?: string | null;
            /** @description The execution that asks. */
            execution_id: components["schemas"]["ExecutionId"];
            /** @description Until when. */
            expires_at?: components["schemas"]["Timestamp"] | null;
            /** @description Others run the execution. Default: `false`. */
            external: boolean;
            /** @description The step. */
            node_id?: components["schemas"]["NodeId"] | null;
            /** @description The question; at most 2 KiB. */
            prompt: string;
            /** @description Whether the text has more. */
            prompt_cut?: boolean;
            /** @description Names it. */
            request_id: string;
            /** @description Since when it waits. */
            requested_at: components["schemas"]["Timestamp"];
            /** @description The execution at the top of its tree; absent: that one. */
            root?: components["schemas"]["ExecutionId"] | null;
            /** @description The conversation. */
            session_id?: components["schemas"]["SessionId"] | null;
            /** @description Where it stands. */
            status: components["schemas"]["QuestionEntryStatus"];
            /** @description The line of work. */
            stream_id: components["schemas"]["StreamId"];
        };
        /**
         * @description Where a question of a list stands.
         *     - `pending`: It waits for an answer.
         *     - `answered`: It was answered.
         *     - `expired`: Nobody answered in time.
         *     - `cancelled`: Nobody needs an answer any more.
         * @enum {string}
         */
        QuestionEntryStatus: "pending" | "answered" | "expired" | "cancelled";
        /** @description A page of questions. */
        QuestionList: {
            /** @description Whether the index follows the log; else it is being built, and more entries may come. */
            complete: boolean;
            /** @description Entries that match, whatever their status, by status; absent: nobody asked. */
            counts?: {
                [key: string]: number;
            } | null;
            /** @description Whether all were counted; else there are at least so many. */
            counts_exact?: boolean | null;
            /** @description Where the next page begins; absent: nothing is left. */
            next?: string | null;
            /** @description The entries, in order. */
            questions: components["schemas"]["QuestionEntry"][];
        };
        /** @description Questions that wait for an answer. */
        Questions: {
            questions: components["schemas"]["PendingQuestion"][];
        };
        /** @description Whether a process can serve. */
        Readiness: {
            checks: components["schemas"]["Checks"];
            status: components["schemas"]["Status"];
        };
        /** @description A command with a reason. */
        Reason: {
            /** @description Why, for the record. At most 4096 bytes. */
            reason?: string | null;
        };
        /** @description One revocation, as the log holds it. */
        Revocation: {
            /** @description When it was. */
            at: components["schemas"]["Timestamp"];
            /** @description The caller that revoked it. */
            by: string;
            /** @description Until when it must be remembered; `None`: for ever. */
            until: components["schemas"]["Timestamp"] | null;
        } & ({
            /** @constant */
            revoke: "token";
            /** @description `jti`, or `key/<name>`. */
            token_id: string;
        } | {
            /** @description Tokens with an earlier `iat`. */
            issued_before: components["schemas"]["Timestamp"];
            /** @constant */
            revoke: "subject";
            /** @description The subject. */
            subject: string;
        });
        /** @description The revoked right: one credential, or all of a subject before a time. */
        RevokeRequest: {
            /** @description Only what they got before this; not in the future. Absent: now. */
            issued_before?: components["schemas"]["Timestamp"] | null;
            /** @description The subject. At most 256 bytes. */
            subject?: string | null;
            /** @description A token's `jti`, or `key/<name>`. At most 256 bytes. */
            token_id?: string | null;
        };
        /** @description A message of a session. */
        SaidMessage: {
            /** @description It was folded into a note: the model does not read it any more. */
            compacted?: boolean;
            /** @description Names it: of a model's message the `message_id` of its events. */
            message_id: string;
        } & ({
            /** @description The instructions. */
            content: string;
            /** @constant */
            role: "system";
        } | {
            /** @description A text, or parts. */
            content: components["schemas"]["Content"];
            /** @constant */
            role: "user";
        } | {
            /** @description The text; `None` when the model only called tools. */
            content: string | null;
            /** @description Data that the provider attached to its answer, unchanged. */
            extra?: components["schemas"]["Extra"];
            /** @description The provider that answered: nobody else gets `extra` back, nor that of the calls. */
            provider?: string | null;
            /** @description The reasoning that the provider disclosed. */
            reasoning?: string;
            /** @constant */
            role: "assistant";
            /** @description The calls that must each be answered by a [`Message::Tool`] before the next turn. */
            tool_calls?: components["schemas"]["ToolCall"][];
        } | {
            /** @description The result, or the error's text; parts, if media belong to it. */
            content: components["schemas"]["Content"];
            /** @constant */
            role: "tool";
            /** @description The id of the [`ToolCall`] that this answers. */
            tool_call_id: string;
        });
        /** @description An input for a session. */
        SayRequest: {
            /** @description The limits of the execution. Default: `{}`. */
            budget?: components["schemas"]["Budget"];
            /** @description The id that ties the execution to others. */
            correlation_id?: components["schemas"]["CorrelationId"] | null;
            /** @description The agent or graph; absent: the one that the session ran last. */
            definition?: string | null;
            /** @description The run; the same id twice starts one. Absent: a fresh one. */
            execution_id?: components["schemas"]["ExecutionId"] | null;
            /** @description The input: a text, a list of parts (`Part`), or any JSON. At most 128 KiB of JSON. */
            input?: unknown;
            /** @description Labels, by which lists can be filtered: at most 16, as for a start. */
            labels?: components["schemas"]["Labels"];
            /** @description The policy when an execution of the session is at work. Default: `"enqueue"`. */
            multitask?: components["schemas"]["Multitask"];
            /** @description How it is scheduled; absent: as the session's last execution. */
            scheduling?: components["schemas"]["Scheduling"] | null;
            /** @description The line of work; absent: the session's last one, or the definition's name. */
            stream_id?: components["schemas"]["StreamId"] | null;
        };
        /** @description How an execution is scheduled. */
        Scheduling: {
            /** @description Executions with the same key (a tenant, a customer) share a limit: `worker.max_per_key`. */
            concurrency_key?: string | null;
            /** @description Its rank. Default: `"normal"`. */
            priority?: components["schemas"]["Priority"];
        };
        /** @description A session. */
        Session: {
            /** @description Approvals that wait for a decision. Default: `[]`. */
            approvals: components["schemas"]["PendingApproval"][];
            /** @description Its children. Default: `[]`. */
            children: components["schemas"]["Child"][];
            /** @description Why it takes no more input. */
            closed_at?: components["schemas"]["Timestamp"] | null;
            /** @description The agent or graph that it runs. */
            definition?: string | null;
            /** @description The execution at work, or the last one. */
            execution_id?: components["schemas"]["ExecutionId"] | null;
            /**
             * Format: uint
             * @description Messages of the conversation that the model still reads.
             */
            messages: number;
            /** @description The worker that owns it now. */
            owner?: components["schemas"]["WorkerId"] | null;
            /** @description Calls that have no answer yet. Default: `[]`. */
            pending: components["schemas"]["PendingCall"][];
            /** @description Questions that wait for an answer. Default: `[]`. */
            questions: components["schemas"]["PendingQuestion"][];
            /** @description Executions that wait for their turn. Default: `[]`. */
            queued: components["schemas"]["ExecutionId"][];
            /** @description Which. */
            session_id: components["schemas"]["SessionId"];
            /** @description Where it stands. */
            status: components["schemas"]["SessionStatus"];
            /** @description Tokens of all its executions. Default: `{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`. */
            usage: components["schemas"]["Usage"];
            /**
             * Format: uint64
             * @description Entries of its journal that this reflects.
             */
            version: number;
        };
        /** @description A session in a list. */
        SessionEntry: {
            /**
             * Format: uint
             * @description Approvals that wait.
             */
            approvals: number;
            /** @description Since when it takes no more input. */
            closed_at?: components["schemas"]["Timestamp"] | null;
            /** @description The correlation id of its latest execution. */
            correlation_id?: components["schemas"]["CorrelationId"] | null;
            /** @description When the log stored the first event of its first execution. */
            created_at: components["schemas"]["Timestamp"];
            /** @description The agent or graph of its latest execution. */
            definition?: string | null;
            /** @description Its latest execution. */
            execution_id: components["schemas"]["ExecutionId"];
            /**
             * Format: uint64
             * @description How many executions it had.
             */
            executions: number;
            /** @description The beginning of its latest input. */
            input?: string | null;
            /** @description Whether that input has more. */
            input_cut?: boolean;
            /** @description Labels of its latest execution. */
            labels?: components["schemas"]["Labels"];
            /** @description The execution that began it as a sub-agent's. */
            parent?: components["schemas"]["ParentEntry"] | null;
            /**
             * Format: uint
             * @description Questions that wait.
             */
            questions: number;
            /** @description The conversation. */
            session_id: components["schemas"]["SessionId"];
            /** @description Where it stands. */
            status: components["schemas"]["SessionStatus"];
            /** @description The line of work of its latest execution. */
            stream_id: components["schemas"]["StreamId"];
            /** @description When something happened last. */
            updated_at: components["schemas"]["Timestamp"];
            /** @description Tokens of its executions. */
            usage: components["schemas"]["Usage"];
        };
        /** @description at most 128 bytes of UTF-8 without control characters */
        SessionId: string;
        /** @description A page of sessions. */
        SessionList: {
            /** @description Whether the index follows the log; else it is being built, and more entries may come. */
            complete: boolean;
            /** @description Entries that match, whatever their status, by status; absent: nobody asked. */
            counts?: {
                [key: string]: number;
            } | null;
            /** @description Whether all were counted; else there are at least so many. */
            counts_exact?: boolean | null;
            /** @description Where the next page begins; absent: nothing is left. */
            next?: string | null;
            /** @description The entries, in order. */
            sessions: components["schemas"]["SessionEntry"][];
        };
        /**
         * @description Where a session stands.
         *     - `idle`: Nothing to do.
         *     - `running`: An execution is at work, or waits for a worker.
         *     - `waiting_for_approval`: A call waits for a decision.
         *     - `waiting_for_input`: A question waits for an answer.
         *     - `paused`: Paused by command.
         *     - `pending`: Calls are unresolved: `resume` or `abort_pending` decides.
         *     - `closed`: It takes no more input.
         * @enum {string}
         */
        SessionStatus: "idle" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "pending" | "closed";
        /** @description An execution as of one position. */
        Snapshot: {
            /** @description Calls that wait for a decision, oldest first. Default: `[]`. */
            approvals: components["schemas"]["Approval"][];
            /** @description Calls of tools, oldest first, [`crate::limits::SNAPSHOT_CALLS`] at most: the oldest completed ones go first. Default: `[]`. */
            calls: components["schemas"]["Call"][];
            /**
             * Format: uint64
             * @description Calls that are not in `calls` any more.
             */
            calls_omitted?: number;
            /**
             * @description Whether everything from the execution's beginning on is in. `false`: retention removed a part, or that it did not
             *     cannot be proven.
             */
            complete: boolean;
            /** @description The position: events behind it are not in. */
            cursor: string;
            /**
             * Format: uint64
             * @description The same of `execution.error`.
             */
            error_truncated_bytes?: number;
            /** @description Status, usage, output, error and the rest of a run's state; `None` before the first event. */
            execution?: components["schemas"]["Execution"] | null;
            /** @description The steps, [`crate::limits::SNAPSHOT_NODES`] at most. Default: `{}`. */
            nodes: {
                [key: string]: components["schemas"]["Node"];
            };
            /**
             * Format: uint64
             * @description Events of nodes that are not in `nodes`, because there are too many.
             */
            nodes_omitted_events?: number;
            /**
             * Format: uint64
             * @description Bytes of JSON that `execution.output` lacks; it is the beginning of its JSON text then.
             */
            output_truncated_bytes?: number;
            /** @description Questions that wait for an answer, oldest first. Default: `[]`. */
            questions: components["schemas"]["Question"][];
            /**
             * @description The turns of models, oldest first; those that are not `done` are being written. [`crate::limits::SNAPSHOT_TURNS`]
             *     and [`crate::limits::SNAPSHOT_TEXT_BYTES`] at most: the oldest go first. Default: `[]`.
             */
            turns: components["schemas"]["Turn"][];
            /**
             * Format: uint64
             * @description Turns that have begun, void ones too. Default: `0`.
             */
            turns_begun: number;
            /**
             * Format: uint64
             * @description Turns that are not in `turns` any more.
             */
            turns_omitted?: number;
            /**
             * Format: uint64
             * @description Approvals and questions that were left out: more than [`crate::limits::SNAPSHOT_WAITING`] waited.
             */
            waiting_omitted?: number;
        };
        /** @description A started execution. */
        Started: {
            /** @description Whether this call started it; `false`: it was there. */
            created: boolean;
            /** @description The run. */
            execution_id: components["schemas"]["ExecutionId"];
            /**
             * @description Of an execution that was there: whether it was started with the same definition and the same input. Absent: this call
             *     started it, or nobody knows any more.
             */
            same_request?: boolean | null;
            /** @description Its conversation. */
            session_id: components["schemas"]["SessionId"];
            /** @description Its line of work. */
            stream_id: components["schemas"]["StreamId"];
        };
        /** @description A request to start an execution. */
        StartRequest: {
            /** @description The limits of the execution; a limit of the definition counts too. */
            budget?: components["schemas"]["Budget"];
            /** @description The id that ties the execution to others. */
            correlation_id?: components["schemas"]["CorrelationId"] | null;
            /** @description The agent or graph, by name. At most 128 bytes. */
            definition: string;
            /** @description The run; starting the same id twice starts one. Absent: a fresh one. */
            execution_id?: components["schemas"]["ExecutionId"] | null;
            /** @description The input: a text, a list of parts (`Part`), or any JSON. At most 128 KiB of JSON. */
            input?: unknown;
            /**
             * @description Labels, by which lists can be filtered: at most 16 labels. A key has 1 to 63 of the characters `A-Z a-z 0-9 . _ / -`, a value at most
             *     128 bytes without control characters.
             */
            labels?: components["schemas"]["Labels"];
            /** @description The policy when another execution of the session is at work. Default: `"enqueue"`. */
            multitask?: components["schemas"]["Multitask"];
            /** @description How it is scheduled. Default: `{"priority":"normal"}`. */
            scheduling?: components["schemas"]["Scheduling"];
            /** @description The conversation that it continues; absent: a conversation of its own. */
            session_id?: components["schemas"]["SessionId"] | null;
            /** @description The line of work; absent: the definition's name. */
            stream_id?: components["schemas"]["StreamId"] | null;
        };
        /** @description Statistics of the log, and of the gateway that answers. */
        Statistics: {
            /** @description Events by stream; beyond 10,000 streams, the rest as `(others)`. */
            by_stream: {
                [key: string]: number;
            };
            /** @description Events by type; beyond 10,000 types, the rest as `(others)`. */
            by_type: {
                [key: string]: number;
            };
            /**
             * Format: uint64
             * @description Bytes of their lines.
             */
            bytes: number;
            /**
             * Format: uint64
             * @description Events counted, with those that retention has removed since.
             */
            events: number;
            /** @description Before the first event that is left. */
            first: string;
            /** @description Of this gateway alone. */
            gateway: components["schemas"]["GatewayStatistics"];
            /** @description Behind the last event. */
            last: string;
            /**
             * Format: uint64
             * @description Bytes that the log holds now, as the adapter counts them.
             */
            stored_bytes: number;
            /**
             * Format: uint64
             * @description Messages that the log holds now, as the adapter counts them.
             */
            stored_frames: number;
            /**
             * Format: uint
             * @description Subscriptions of this bus handle.
             */
            subscriptions: number;
            /**
             * Format: uint64
             * @description Lines that are no events.
             */
            undecodable: number;
        };
        /**
         * @description A load balancer's view of it.
         *     - `ready`: It serves.
         *     - `degraded`: It serves; something that it does not need is missing.
         *     - `not_ready`: It does not serve.
         * @enum {string}
         */
        Status: "ready" | "degraded" | "not_ready";
        /** @description An event that is durable. */
        StoredEvent: {
            /** @description Its id, made by the gateway if it had none. */
            id: components["schemas"]["EventId"];
            /**
             * Format: uint64
             * @description Its `seq`, as readers see it. An event that was there already has the one that it had.
             */
            seq: number;
        };
        /** @description at most 128 bytes of UTF-8 without control characters */
        StreamId: string;
        /** @description A text that is being written: its end, [`limits::SNAPSHOT_TURN_BYTES`] at most. */
        Text: {
            /** @description The text, or its end. */
            content: string;
            /**
             * Format: uint64
             * @description Bytes of UTF-8 that are missing before it; absent: none, the text is whole.
             */
            truncated_bytes?: number;
        };
        /** Format: date-time */
        Timestamp: string;
        /** @description A model's wish to run one tool. */
        ToolCall: {
            /** @description The arguments as the model wrote them: meant to be a JSON object, but not checked. */
            arguments: string;
            /** @description Data that the provider attached to the call, unchanged. */
            extra?: {
                [key: string]: unknown;
            };
            /** @description Identifies the call within its conversation; chosen by the provider. */
            id: string;
            /** @description The tool's name, as the model wrote it: the tool may not exist. */
            name: string;
        };
        /** @description One call of a model, or one message of a producer that has no turns. */
        Turn: {
            /**
             * Format: uint32
             * @description The worker's try that said it.
             */
            attempt?: number | null;
            /** @description Whether it is over: its text is final. */
            done: boolean;
            /**
             * @description The calls that the model is writing (`tool_call_delta`), the last [`crate::limits::SNAPSHOT_DRAFTS`] at most; of a turn that is
             *     done see `calls`.
             */
            drafts?: components["schemas"]["Draft"][];
            /** @description As the provider says, when the turn is done. */
            finish_reason?: string | null;
            /** @description Names the message that it becomes, as its events and the session's messages do. */
            message_id?: string | null;
            /** @description The model that answered. */
            model?: string | null;
            /** @description The node whose turn it is. */
            node_id?: components["schemas"]["NodeId"] | null;
            /**
             * Format: uint64
             * @description Its number among the turns that began, from 1.
             */
            number: number;
            /** @description The answer, of a client-facing node (`client_output_delta`). */
            output?: components["schemas"]["Text"];
            /** @description The provider that answered. */
            provider?: string | null;
            /** @description The reasoning (`llm_reasoning_delta`). */
            reasoning?: components["schemas"]["Text"];
            /**
             * Format: uint64
             * @description `seq` of its last event.
             */
            seq: number;
            /** @description The answer, of a node that is not client-facing (`llm_text_delta`). */
            text?: components["schemas"]["Text"];
        };
        /** @description Tokens of one or more calls. */
        Usage: {
            /**
             * Format: uint64
             * @description Tokens read from the provider's cache, part of `prompt_tokens`, where the provider says so.
             */
            cached_tokens?: number | null;
            /**
             * Format: uint64
             * @description Tokens written. Default: `0`.
             */
            completion_tokens: number;
            /**
             * Format: double
             * @description The price, where the providers state one, in their currency.
             */
            cost?: number | null;
            /** @description Whether a provider did not count: then these tokens, or a part of them, are estimated from the length of the texts. */
            estimated?: boolean;
            /**
             * Format: uint64
             * @description Tokens read. Default: `0`.
             */
            prompt_tokens: number;
            /**
             * Format: uint64
             * @description Tokens written as reasoning, part of `completion_tokens`, where the provider says so.
             */
            reasoning_tokens?: number | null;
            /**
             * Format: uint64
             * @description Both. Default: `0`.
             */
            total_tokens: number;
        };
        /** @description Tokens, and their cost. */
        Used: {
            /** @description Tokens by model, where events say which. */
            by_model?: {
                [key: string]: components["schemas"]["Usage"];
            };
            /** @description The cost. Absent where no event reports it and no price is configured. */
            cost?: components["schemas"]["Cost"] | null;
            /**
             * Format: uint64
             * @description Executions that used any.
             */
            executions: number;
            /**
             * Format: uint64
             * @description Calls of models.
             */
            rounds: number;
            /** @description Tokens. */
            tokens: components["schemas"]["Usage"];
        };
        /** @description Something that waits for a person. */
        Waiting: {
            /** @description Where it waits, when that is below this execution. */
            below?: components["schemas"]["Below"] | null;
            /** @description For what: [`Status::WaitingForApproval`] or [`Status::WaitingForInput`]. */
            status: components["schemas"]["ExecutionStatus"];
            /** @description The call that waits, when it is one of this execution. */
            tool_use_id?: string | null;
        };
        /** @description Those who watch under one name. */
        Watcher: {
            /**
             * Format: uint64
             * @description Subscriptions under this name.
             */
            connections: number;
            /** @description The client's own label. */
            label?: string | null;
            /** @description Since when there is one. */
            since: components["schemas"]["Timestamp"];
            /** @description The subject of the credential; `everyone` where authentication is disabled. */
            subject: string;
        };
        /** @description at most 128 bytes of UTF-8 without control characters */
        WorkerId: string;
        /** @description The report of a worker. */
        WorkerReport: {
            /** @description How its agents and graphs are configured, by name; left out when that is more than 64 KiB. */
            agents?: {
                [key: string]: components["schemas"]["AgentReport"];
            };
            /** @description When it said this. */
            at: components["schemas"]["Timestamp"];
            /** @description Where it lets agents run code, and how that is; absent: it does not. */
            code_execution?: unknown;
            /**
             * Format: uint
             * @description Sessions that it would have at work at most.
             */
            concurrency: number;
            /** @description The agents and graphs that it knows. */
            definitions: string[];
            /** @description Names and guards of its definitions that cover no tool: calls that they may be meant for need an approval. */
            guard_faults?: string[];
            /** @description Its MCP servers: name, state, tools, restarts, since when; refused tools and faulty guards, when there are any. */
            mcp_servers: unknown;
            /**
             * Format: uint
             * @description Sessions that it has at work.
             */
            sessions: number;
            /** @description Since when it works. */
            since: components["schemas"]["Timestamp"];
            /** @description How its tool calls ended, by outcome. */
            tool_calls: unknown;
            /** @description The tools that it has, those of MCP servers included. */
            tools: string[];
            /** @description Which. */
            worker: components["schemas"]["WorkerId"];
        };
        /** @description The workers' reports. */
        Workers: {
            workers: components["schemas"]["WorkerReport"][];
        };
    };
    responses: {
        /** @description `conflict`: too late, or another caller was first: `details.standing` */
        conflict: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `forbidden`: the credential does not allow it, or the page's origin may not use this gateway */
        forbidden: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `internal`: a human must look */
        internal: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `invalid_argument`: a parameter or a field is missing, unknown or wrong; `path` names it */
        invalid_argument: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `limit_exceeded`: no more of these can be kept */
        limit_exceeded: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `misdirected`: the header `Host` names no host of `gateway.hosts` */
        misdirected: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `not_acceptable`: `Accept` takes nothing of what there is */
        not_acceptable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `not_found`: unknown id */
        not_found: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds */
        rate_limited: {
            headers: {
                "Retry-After"?: number;
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `session_busy`: `details.execution_id` is at work */
        session_busy: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `session_closed`: the session takes no more input */
        session_closed: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `session_pending`: calls are unresolved: `details.pending` */
        session_pending: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `too_large`: the body, or what is in it, is too large */
        too_large: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `too_slow`: the body came too slowly; the connection is closed */
        too_slow: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `unauthenticated`: a valid credential is needed */
        unauthenticated: {
            headers: {
                "WWW-Authenticate"?: "Bearer";
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `unavailable`: the log or the queue does not answer, or the gateway drains or is full: the same request may succeed later */
        unavailable: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `unsupported_media_type`: a request with a body needs `Content-Type: application/json` */
        unsupported_media_type: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_endpoints: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the endpoints */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Index"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            503: components["responses"]["unavailable"];
        };
    };
    start_council: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "input_topic": "Is a monolith a good start?"
                 *     }
                 */
                "application/json": components["schemas"]["CouncilRequest"];
            };
        };
        responses: {
            /** @description the run */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CouncilStarted"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["too_slow"];
            /**
             * @description `session_pending`: calls are unresolved: `details.pending`
             *
             *     `session_busy`: `details.execution_id` is at work
             *
             *     `session_closed`: the session takes no more input
             *
             *     `conflict`: too late, or another caller was first: `details.standing`
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            /** @description the topic is missing, empty or too long */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CouncilDetail"];
                };
            };
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_council: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                run_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description its status, and what it came to; `null` where there is nothing yet */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CouncilRun"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            /** @description unknown id */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CouncilDetail"];
                };
            };
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description it is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            400: components["responses"]["invalid_argument"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description all metrics of docs/metrics.md */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/openmetrics-text": string;
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            503: components["responses"]["unavailable"];
        };
    };
    get_readiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description log and queue take what is appended; `degraded`: the store does not answer */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            400: components["responses"]["invalid_argument"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            /** @description log or queue do not answer or have no room, or the gateway drains */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
    list_all_approvals: {
        parameters: {
            query?: {
                /** @description only entries first seen then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only entries first seen before */
                before?: components["schemas"]["Timestamp"];
                /** @description whether to count by status; default: on a first page */
                counts?: boolean;
                /** @description go on behind a page: its `next` */
                cursor?: string;
                /** @description only of this agent or graph */
                definition?: string;
                /** @description only of this run */
                execution_id?: components["schemas"]["ExecutionId"];
                /** @description entries at most */
                limit?: number;
                /** @description which end first, by the time when it was first seen; default: newest */
                order?: components["schemas"]["Order"];
                /** @description only in the tree below this execution, it included */
                root?: components["schemas"]["ExecutionId"];
                /** @description only of this conversation */
                session_id?: components["schemas"]["SessionId"];
                /** @description only in one of these, separated by commas */
                status?: ("pending" | "approved" | "rejected" | "expired" | "cancelled" | "all")[];
                /** @description only of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only with this in the id or what is shown of the input */
                text?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApprovalList"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_approval: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                approval_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the approval */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PendingApproval"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    decide_approval: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                approval_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "approved": true,
                 *       "note": "go ahead"
                 *     }
                 */
                "application/json": components["schemas"]["DecideRequest"];
            };
        };
        responses: {
            /** @description the decision counts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Decided"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["too_slow"];
            409: components["responses"]["conflict"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_asyncapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the document */
            200: {
                headers: {
                    /** @description changes with the document; `If-None-Match` asks for another one */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description it is the one that the caller has */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_argument"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
        };
    };
    revoke: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "token_id": "key/ops"
                 *     }
                 */
                "application/json": components["schemas"]["RevokeRequest"];
            };
        };
        responses: {
            /** @description it is durable; it counts here now, at the other gateways within seconds */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Revocation"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["too_slow"];
            409: components["responses"]["limit_exceeded"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    mint_token: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["MintRequest"];
            };
        };
        responses: {
            /** @description the token; keep it as a secret */
            201: {
                headers: {
                    /** @description `no-store` */
                    "Cache-Control"?: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "token": "eyJ...",
                     *       "token_id": "0198c1f2-6a5e-7000-8000-000000000001",
                     *       "scopes": [
                     *         "read:orders-*\/*\/*"
                     *       ],
                     *       "expires_at": "2026-11-21T10:01:00.000000Z"
                     *     }
                     */
                    "application/json": components["schemas"]["Minted"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["too_slow"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_dead_letters: {
        parameters: {
            query?: {
                /** @description how many at most */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the newest ones */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetters"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_dead_letter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the dead letter */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeadLetter"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    retry_dead_letter: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description it was started before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "execution_id": "run-1",
                     *       "stream_id": "council",
                     *       "session_id": "run-1",
                     *       "created": false
                     *     }
                     */
                    "application/json": components["schemas"]["Started"];
                };
            };
            /** @description the start is durable; a worker takes it from there */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "execution_id": "run-1",
                     *       "stream_id": "council",
                     *       "session_id": "run-1",
                     *       "created": true
                     *     }
                     */
                    "application/json": components["schemas"]["Started"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["too_slow"];
            /**
             * @description `session_pending`: calls are unresolved: `details.pending`
             *
             *     `session_busy`: `details.execution_id` is at work
             *
             *     `session_closed`: the session takes no more input
             *
             *     `conflict`: too late, or another caller was first: `details.standing`
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_definitions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the definitions, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Definitions"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_definition: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the definition; where workers differ, that of most of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinitionView"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_events: {
        parameters: {
            query?: {
                /** @description only events that happened then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only events that happened before */
                before?: components["schemas"]["Timestamp"];
                /** @description go on behind it, in the same order: an earlier page's `next`, or an event's `cursor` */
                cursor?: string;
                /** @description only events of this run */
                execution_id?: components["schemas"]["ExecutionId"];
                /** @description how many at most */
                limit?: number;
                /** @description only events of this step */
                node_id?: components["schemas"]["NodeId"];
                /** @description which end comes first; `newest` by default, with `wait_ms` always `oldest` */
                order?: "oldest" | "newest";
                /** @description with `wait_ms`: where to begin, `all` by default; `cursor` means the same */
                since?: ("new" | "all") | string;
                /** @description only events of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only these types, separated by commas; it may repeat */
                types?: components["schemas"]["EventType"][];
                /** @description when nothing is there, wait so long until at least one event comes */
                wait_ms?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page; it may be short, or empty, with a `next` */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    publish_events: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "events": [
                 *         {
                 *           "type": "state_changed",
                 *           "stream_id": "billing",
                 *           "id": "01890a5d-ac96-774b-bcce-b302099a8057",
                 *           "data": {
                 *             "key": "total",
                 *             "old_value": 1,
                 *             "new_value": 2
                 *           }
                 *         }
                 *       ]
                 *     }
                 */
                "application/json": components["schemas"]["PublishRequest"];
            };
        };
        responses: {
            /** @description all of them are durable */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Published"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["too_slow"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    follow_events: {
        parameters: {
            query?: {
                /** @description only events that happened then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only events that happened before */
                before?: components["schemas"]["Timestamp"];
                /** @description whether consecutive deltas of one message come as one event; by default where the client falls behind */
                coalesce?: boolean;
                /** @description only events of this run */
                execution_id?: components["schemas"]["ExecutionId"];
                /** @description the same as the header `Last-Event-ID`, which wins, for clients that set no headers; also `Last-Event-ID` */
                lastEventId?: string;
                /** @description only events of this step */
                node_id?: components["schemas"]["NodeId"];
                /** @description where to begin; `new` by default; `snapshot`: with what an execution has come to, needs an execution */
                since?: "snapshot" | (("new" | "all") | string);
                /** @description only events of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only these types, separated by commas; it may repeat */
                types?: components["schemas"]["EventType"][];
                /** @description whether messages have no `event`, so that browsers give all of them to `onmessage`; `type` of the data tells */
                unnamed?: boolean;
                /** @description the stream ends behind the event that ends the execution; needs an execution */
                until?: "terminal";
            };
            header?: {
                /** @description go on behind it; wins over `since`; empty: nothing */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the stream; it ends only as docs/protocol.md says */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description `until=terminal`, and the execution has ended before the place asked for */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["not_acceptable"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_executions: {
        parameters: {
            query?: {
                /** @description only entries first seen then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only entries first seen before */
                before?: components["schemas"]["Timestamp"];
                /** @description only what is tied together by this */
                correlation_id?: components["schemas"]["CorrelationId"];
                /** @description whether to count by status; default: on a first page */
                counts?: boolean;
                /** @description go on behind a page: its `next` */
                cursor?: string;
                /** @description only of this agent or graph */
                definition?: string;
                /** @description only with this label, `key=value`; all of them when given again */
                label?: string[];
                /** @description entries at most */
                limit?: number;
                /** @description which end first, by the time when it was first seen; default: newest */
                order?: components["schemas"]["Order"];
                /** @description only what this execution started as a sub-agent */
                parent?: components["schemas"]["ExecutionId"];
                /** @description only in the tree below this execution, it included */
                root?: components["schemas"]["ExecutionId"];
                /** @description only of this conversation */
                session_id?: components["schemas"]["SessionId"];
                /** @description only in one of these, separated by commas */
                status?: ("queued" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "completed" | "failed" | "cancelled" | "all")[];
                /** @description only of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only with this in the id or what is shown of the input */
                text?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExecutionList"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    start_execution: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "definition": "council",
                 *       "input": "Is a monolith a good start?",
                 *       "execution_id": "run-1"
                 *     }
                 */
                "application/json": components["schemas"]["StartRequest"];
            };
        };
        responses: {
            /** @description it was started before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "execution_id": "run-1",
                     *       "stream_id": "council",
                     *       "session_id": "run-1",
                     *       "created": false
                     *     }
                     */
                    "application/json": components["schemas"]["Started"];
                };
            };
            /** @description the start is durable; a worker takes it from there */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "execution_id": "run-1",
                     *       "stream_id": "council",
                     *       "session_id": "run-1",
                     *       "created": true
                     *     }
                     */
                    "application/json": components["schemas"]["Started"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["too_slow"];
            /**
             * @description `session_pending`: calls are unresolved: `details.pending`
             *
             *     `session_busy`: `details.execution_id` is at work
             *
             *     `session_closed`: the session takes no more input
             *
             *     `conflict`: too late, or another caller was first: `details.standing`
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_execution: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the state after its events so far */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Execution"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_approvals: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the approvals */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Approvals"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    cancel_execution: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CancelRequest"];
            };
        };
        responses: {
            /** @description the command is durable; its effect shows in the execution's events */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Acknowledged"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["too_slow"];
            409: components["responses"]["conflict"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_execution_definition: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the definition */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DefinitionView"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_execution_events: {
        parameters: {
            query?: {
                /** @description only events that happened then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only events that happened before */
                before?: components["schemas"]["Timestamp"];
                /** @description go on behind it, in the same order: an earlier page's `next`, or an event's `cursor` */
                cursor?: string;
                /** @description how many at most */
                limit?: number;
                /** @description only events of this step */
                node_id?: components["schemas"]["NodeId"];
                /** @description which end comes first; `newest` by default, with `wait_ms` always `oldest` */
                order?: "oldest" | "newest";
                /** @description with `wait_ms`: where to begin, `all` by default; `cursor` means the same */
                since?: ("new" | "all") | string;
                /** @description only events of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only these types, separated by commas; it may repeat */
                types?: components["schemas"]["EventType"][];
                /** @description when nothing is there, wait so long until at least one event comes */
                wait_ms?: number;
            };
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page; it may be short, or empty, with a `next` */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    follow_execution: {
        parameters: {
            query?: {
                /** @description only events that happened then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only events that happened before */
                before?: components["schemas"]["Timestamp"];
                /** @description whether consecutive deltas of one message come as one event; by default where the client falls behind */
                coalesce?: boolean;
                /** @description the same as the header `Last-Event-ID`, which wins, for clients that set no headers; also `Last-Event-ID` */
                lastEventId?: string;
                /** @description only events of this step */
                node_id?: components["schemas"]["NodeId"];
                /** @description where to begin; `new` by default; `snapshot`: with what an execution has come to, needs an execution */
                since?: "snapshot" | (("new" | "all") | string);
                /** @description only events of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only these types, separated by commas; it may repeat */
                types?: components["schemas"]["EventType"][];
                /** @description whether messages have no `event`, so that browsers give all of them to `onmessage`; `type` of the data tells */
                unnamed?: boolean;
                /** @description the stream ends behind the event that ends the execution; needs an execution */
                until?: "terminal";
            };
            header?: {
                /** @description go on behind it; wins over `since`; empty: nothing */
                "Last-Event-ID"?: string;
            };
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the stream; it ends only as docs/protocol.md says */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description `until=terminal`, and the execution has ended before the place asked for */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["not_acceptable"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    pause_execution: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Reason"];
            };
        };
        responses: {
            /** @description the command is durable; its effect shows in the execution's events */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Acknowledged"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["too_slow"];
            409: components["responses"]["conflict"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_presence: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description those who watch it now, on whichever gateway */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Presence"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_questions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the questions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Questions"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    resume_execution: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description the command is durable; its effect shows in the execution's events */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Acknowledged"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["too_slow"];
            409: components["responses"]["conflict"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_snapshot: {
        parameters: {
            query?: {
                /** @description as of this place; now by default */
                at?: string;
            };
            header?: never;
            path: {
                execution_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description status, nodes, text, calls, approvals and questions as of one place */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Snapshot"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_gateways: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description each one's report, at most 15 s old */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Gateways"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    follow_approvals: {
        parameters: {
            query?: {
                /** @description only entries first seen then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only entries first seen before */
                before?: components["schemas"]["Timestamp"];
                /** @description whether to count by status; default: on a first page */
                counts?: boolean;
                /** @description only of this agent or graph */
                definition?: string;
                /** @description only of this run */
                execution_id?: components["schemas"]["ExecutionId"];
                /** @description entries at most */
                limit?: number;
                /** @description which end first, by the time when it was first seen; default: newest */
                order?: components["schemas"]["Order"];
                /** @description only in the tree below this execution, it included */
                root?: components["schemas"]["ExecutionId"];
                /** @description only of this conversation */
                session_id?: components["schemas"]["SessionId"];
                /** @description only in one of these, separated by commas */
                status?: ("pending" | "approved" | "rejected" | "expired" | "cancelled" | "all")[];
                /** @description only of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only with this in the id or what is shown of the input */
                text?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the stream; it ends only as docs/lists.md says */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["not_acceptable"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    follow_executions: {
        parameters: {
            query?: {
                /** @description only entries first seen then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only entries first seen before */
                before?: components["schemas"]["Timestamp"];
                /** @description only what is tied together by this */
                correlation_id?: components["schemas"]["CorrelationId"];
                /** @description whether to count by status; default: on a first page */
                counts?: boolean;
                /** @description only of this agent or graph */
                definition?: string;
                /** @description only with this label, `key=value`; all of them when given again */
                label?: string[];
                /** @description entries at most */
                limit?: number;
                /** @description which end first, by the time when it was first seen; default: newest */
                order?: components["schemas"]["Order"];
                /** @description only what this execution started as a sub-agent */
                parent?: components["schemas"]["ExecutionId"];
                /** @description only in the tree below this execution, it included */
                root?: components["schemas"]["ExecutionId"];
                /** @description only of this conversation */
                session_id?: components["schemas"]["SessionId"];
                /** @description only in one of these, separated by commas */
                status?: ("queued" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "completed" | "failed" | "cancelled" | "all")[];
                /** @description only of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only with this in the id or what is shown of the input */
                text?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the stream; it ends only as docs/lists.md says */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["not_acceptable"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    follow_questions: {
        parameters: {
            query?: {
                /** @description only entries first seen then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only entries first seen before */
                before?: components["schemas"]["Timestamp"];
                /** @description whether to count by status; default: on a first page */
                counts?: boolean;
                /** @description only of this agent or graph */
                definition?: string;
                /** @description only of this run */
                execution_id?: components["schemas"]["ExecutionId"];
                /** @description entries at most */
                limit?: number;
                /** @description which end first, by the time when it was first seen; default: newest */
                order?: components["schemas"]["Order"];
                /** @description only in the tree below this execution, it included */
                root?: components["schemas"]["ExecutionId"];
                /** @description only of this conversation */
                session_id?: components["schemas"]["SessionId"];
                /** @description only in one of these, separated by commas */
                status?: ("pending" | "answered" | "expired" | "cancelled" | "all")[];
                /** @description only of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only with this in the id or what is shown of the input */
                text?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the stream; it ends only as docs/lists.md says */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["not_acceptable"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    follow_sessions: {
        parameters: {
            query?: {
                /** @description only entries first seen then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only entries first seen before */
                before?: components["schemas"]["Timestamp"];
                /** @description only what is tied together by this */
                correlation_id?: components["schemas"]["CorrelationId"];
                /** @description whether to count by status; default: on a first page */
                counts?: boolean;
                /** @description only of this agent or graph */
                definition?: string;
                /** @description only with this label, `key=value`; all of them when given again */
                label?: string[];
                /** @description entries at most */
                limit?: number;
                /** @description which end first, by the time when it was first seen; default: newest */
                order?: components["schemas"]["Order"];
                /** @description only what this execution started as a sub-agent */
                parent?: components["schemas"]["ExecutionId"];
                /** @description only of this conversation */
                session_id?: components["schemas"]["SessionId"];
                /** @description only in one of these, separated by commas */
                status?: ("idle" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "closed" | "all")[];
                /** @description only of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only with this in the id or what is shown of the input */
                text?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the stream; it ends only as docs/lists.md says */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["not_acceptable"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_monitor: {
        parameters: {
            query?: {
                /** @description of this stream alone */
                stream_id?: components["schemas"]["StreamId"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the monitor now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MonitorAnswer"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_stream_monitor: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stream_id: components["schemas"]["StreamId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the monitor now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MonitorAnswer"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    follow_stream_monitor: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                stream_id: components["schemas"]["StreamId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the stream; it ends only as docs/monitoring.md says */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["not_acceptable"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    follow_monitor: {
        parameters: {
            query?: {
                /** @description of this stream alone */
                stream_id?: components["schemas"]["StreamId"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the stream; it ends only as docs/monitoring.md says */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            406: components["responses"]["not_acceptable"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the document */
            200: {
                headers: {
                    /** @description changes with the document; `If-None-Match` asks for another one */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description it is the one that the caller has */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_argument"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
        };
    };
    list_all_questions: {
        parameters: {
            query?: {
                /** @description only entries first seen then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only entries first seen before */
                before?: components["schemas"]["Timestamp"];
                /** @description whether to count by status; default: on a first page */
                counts?: boolean;
                /** @description go on behind a page: its `next` */
                cursor?: string;
                /** @description only of this agent or graph */
                definition?: string;
                /** @description only of this run */
                execution_id?: components["schemas"]["ExecutionId"];
                /** @description entries at most */
                limit?: number;
                /** @description which end first, by the time when it was first seen; default: newest */
                order?: components["schemas"]["Order"];
                /** @description only in the tree below this execution, it included */
                root?: components["schemas"]["ExecutionId"];
                /** @description only of this conversation */
                session_id?: components["schemas"]["SessionId"];
                /** @description only in one of these, separated by commas */
                status?: ("pending" | "answered" | "expired" | "cancelled" | "all")[];
                /** @description only of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only with this in the id or what is shown of the input */
                text?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QuestionList"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    answer_question: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                request_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "input": "the blue one"
                 *     }
                 */
                "application/json": components["schemas"]["AnswerRequest"];
            };
        };
        responses: {
            /** @description the answer counts */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Decided"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["too_slow"];
            409: components["responses"]["conflict"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_sessions: {
        parameters: {
            query?: {
                /** @description only entries first seen then or later */
                after?: components["schemas"]["Timestamp"];
                /** @description only entries first seen before */
                before?: components["schemas"]["Timestamp"];
                /** @description only what is tied together by this */
                correlation_id?: components["schemas"]["CorrelationId"];
                /** @description whether to count by status; default: on a first page */
                counts?: boolean;
                /** @description go on behind a page: its `next` */
                cursor?: string;
                /** @description only of this agent or graph */
                definition?: string;
                /** @description only with this label, `key=value`; all of them when given again */
                label?: string[];
                /** @description entries at most */
                limit?: number;
                /** @description which end first, by the time when it was first seen; default: newest */
                order?: components["schemas"]["Order"];
                /** @description only what this execution started as a sub-agent */
                parent?: components["schemas"]["ExecutionId"];
                /** @description only of this conversation */
                session_id?: components["schemas"]["SessionId"];
                /** @description only in one of these, separated by commas */
                status?: ("idle" | "running" | "waiting_for_approval" | "waiting_for_input" | "paused" | "closed" | "all")[];
                /** @description only of this line of work */
                stream_id?: components["schemas"]["StreamId"];
                /** @description only with this in the id or what is shown of the input */
                text?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    begin_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "definition": "assistant",
                 *       "input": "What time is it?",
                 *       "execution_id": "chat-1"
                 *     }
                 */
                "application/json": components["schemas"]["BeginRequest"];
            };
        };
        responses: {
            /** @description it was started before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "execution_id": "run-1",
                     *       "stream_id": "council",
                     *       "session_id": "run-1",
                     *       "created": false
                     *     }
                     */
                    "application/json": components["schemas"]["Started"];
                };
            };
            /** @description the start is durable; a worker takes it from there */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "execution_id": "run-1",
                     *       "stream_id": "council",
                     *       "session_id": "run-1",
                     *       "created": true
                     *     }
                     */
                    "application/json": components["schemas"]["Started"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            408: components["responses"]["too_slow"];
            /**
             * @description `session_pending`: calls are unresolved: `details.pending`
             *
             *     `session_busy`: `details.execution_id` is at work
             *
             *     `session_closed`: the session takes no more input
             *
             *     `conflict`: too late, or another caller was first: `details.standing`
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: components["schemas"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    abort_pending_calls: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: components["schemas"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Reason"];
            };
        };
        responses: {
            /** @description the calls that were answered */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AbortedCalls"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["too_slow"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    close_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: components["schemas"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["CloseRequest"];
            };
        };
        responses: {
            /** @description the session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["too_slow"];
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_messages: {
        parameters: {
            query?: {
                /** @description an earlier answer's `next`; 0 by default */
                from?: number;
                /** @description also what was folded into notes */
                include_compacted?: boolean;
            };
            header?: never;
            path: {
                session_id: components["schemas"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the messages */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Messages"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    send_message: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: components["schemas"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "input": "And in UTC?",
                 *       "execution_id": "chat-2"
                 *     }
                 */
                "application/json": components["schemas"]["SayRequest"];
            };
        };
        responses: {
            /** @description it was started before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "execution_id": "run-1",
                     *       "stream_id": "council",
                     *       "session_id": "run-1",
                     *       "created": false
                     *     }
                     */
                    "application/json": components["schemas"]["Started"];
                };
            };
            /** @description the start is durable; a worker takes it from there */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "execution_id": "run-1",
                     *       "stream_id": "council",
                     *       "session_id": "run-1",
                     *       "created": true
                     *     }
                     */
                    "application/json": components["schemas"]["Started"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["too_slow"];
            /**
             * @description `session_pending`: calls are unresolved: `details.pending`
             *
             *     `session_busy`: `details.execution_id` is at work
             *
             *     `session_closed`: the session takes no more input
             *
             *     `conflict`: too late, or another caller was first: `details.standing`
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_pending_calls: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: components["schemas"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the calls */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PendingCalls"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    resume_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: components["schemas"]["SessionId"];
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description it was started before */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "execution_id": "run-1",
                     *       "stream_id": "council",
                     *       "session_id": "run-1",
                     *       "created": false
                     *     }
                     */
                    "application/json": components["schemas"]["Started"];
                };
            };
            /** @description the start is durable; a worker takes it from there */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "execution_id": "run-1",
                     *       "stream_id": "council",
                     *       "session_id": "run-1",
                     *       "created": true
                     *     }
                     */
                    "application/json": components["schemas"]["Started"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            404: components["responses"]["not_found"];
            408: components["responses"]["too_slow"];
            /**
             * @description `session_pending`: calls are unresolved: `details.pending`
             *
             *     `session_busy`: `details.execution_id` is at work
             *
             *     `session_closed`: the session takes no more input
             *
             *     `conflict`: too late, or another caller was first: `details.standing`
             */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            413: components["responses"]["too_large"];
            415: components["responses"]["unsupported_media_type"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    get_stats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description statistics up to now */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Statistics"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    list_workers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description the reports of the workers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Workers"];
                };
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            429: components["responses"]["rate_limited"];
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    connect: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a WebSocket */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    connect_agents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a WebSocket; its messages: docs/dropin.md */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    connect_agent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                agent_id: components["schemas"]["StreamId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a WebSocket; its messages: docs/dropin.md */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    connect_council: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                run_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a WebSocket; its messages: docs/dropin.md */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
    connect_task: {
        parameters: {
            query?: {
                /** @description the agent or graph that it is for; by default as configured */
                agent?: string;
                /** @description the input; by default `{task_id}` */
                input?: string;
            };
            header?: never;
            path: {
                task_id: components["schemas"]["ExecutionId"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a WebSocket; its messages: docs/dropin.md */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["invalid_argument"];
            401: components["responses"]["unauthenticated"];
            403: components["responses"]["forbidden"];
            421: components["responses"]["misdirected"];
            /**
             * @description `rate_limited`: too many requests or bytes: retry after `Retry-After` seconds
             *
             *     `limit_exceeded`: too many connections of this principal
             */
            429: {
                headers: {
                    "Retry-After"?: number;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
            500: components["responses"]["internal"];
            503: components["responses"]["unavailable"];
        };
    };
}
