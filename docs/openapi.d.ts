// Made by `npm run types:api` from docs/openapi.yaml, sha256 047272ccb5fbfe73f94930835650ecfc08f4e7d83b02920ef336443d11a524ff.

export interface paths {
    "/groups/{groupId}/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Put users into a group
         * @description The caller joins if the body names nobody.
         */
        post: operations["joinGroup"];
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
        /**
         * @description 1 to 64 UTF-16 units of well-formed Unicode, without control characters, without U+FFFD, and without white space at
         *     either end.
         */
        Id: string;
        GroupId: components["schemas"]["Id"];
        /**
         * @description A group's id without / ? # % and \, and not . or .. alone. An HTTP API decodes the path, so these would not arrive as
         *     they were sent.
         */
        PathGroupId: components["schemas"]["Id"] & string;
        /** @description Distinct users. An id that is given twice is sent once. */
        UserIds: components["schemas"]["Id"][];
        /**
         * @description Renames the group in push notifications, for everyone. 1 to 64 UTF-16 units of well-formed Unicode, without control
         *     characters or U+FFFD.
         */
        GroupName: string;
        RequestId: string;
        JoinBody: {
            userIds?: components["schemas"]["UserIds"];
            groupName?: components["schemas"]["GroupName"];
        };
        Joined: {
            groupId: components["schemas"]["GroupId"];
            joined: components["schemas"]["UserIds"];
            requestId: components["schemas"]["RequestId"];
        };
        PartlyJoined: {
            groupId: components["schemas"]["GroupId"];
            joined: components["schemas"]["UserIds"];
            requestId: components["schemas"]["RequestId"];
            failed: components["schemas"]["Failed"];
        };
        Queued: {
            groupId: components["schemas"]["GroupId"];
            queued: components["schemas"]["UserIds"];
            requestId: components["schemas"]["RequestId"];
            joined?: components["schemas"]["UserIds"];
            failed?: components["schemas"]["Failed"];
        };
        /** @description The users who did not join, by failure. */
        Failed: {
            userIds: components["schemas"]["UserIds"];
            code: components["schemas"]["Code"];
            outcome: components["schemas"]["Outcome"];
            retryable: boolean;
            upstreamCode?: components["schemas"]["UpstreamCode"];
        }[];
        /** @description A problem of RFC 9457. Code and status are those of the first failure. */
        Problem: {
            /** @constant */
            type: "about:blank";
            /** @description The reason phrase of the status. */
            title: string;
            status: number;
            code: components["schemas"]["Code"];
            /** @description A sentence for people. */
            detail: string;
            requestId: components["schemas"]["RequestId"];
            outcome: components["schemas"]["Outcome"];
            /** @description Whether the same request may succeed later. Of several failures, each must be worth repeating. */
            retryable: boolean;
        };
        /** @description The problem of a request that calls may have been made for. */
        JoinProblem: components["schemas"]["Problem"] & {
            upstreamCode?: components["schemas"]["UpstreamCode"];
            failed?: components["schemas"]["Failed"];
        };
        /**
         * @description | code | status | outcome | retryable |
         *     |---|---|---|---|
         *     | INVALID_REQUEST | 400 | not_sent | no |
         *     | UNAUTHENTICATED | 401 | not_sent | no |
         *     | FORBIDDEN | 403 | not_sent | no |
         *     | PAYLOAD_TOO_LARGE | 413 | not_sent | no |
         *     | UNSUPPORTED_MEDIA_TYPE | 415 | not_sent | no |
         *     | GROUP_FULL | 409 | rejected | no |
         *     | UPSTREAM_REJECTED | 422 | rejected | no |
         *     | UPSTREAM_MISCONFIGURED | 502 | rejected | no |
         *     | UPSTREAM_UNREADABLE | 502 | unknown | yes |
         *     | UPSTREAM_RATE_LIMITED | 503 | rejected | yes |
         *     | UPSTREAM_CREDENTIALS | 503 | rejected | yes |
         *     | UPSTREAM_UNAVAILABLE | 503 | unknown | yes |
         *     | UPSTREAM_UNREACHABLE | 503 | not_sent | yes |
         *     | CREDENTIALS_UNAVAILABLE | 503 | not_sent | yes |
         *     | IDENTITY_UNAVAILABLE | 503 | not_sent | yes |
         *     | QUEUE_UNAVAILABLE | 503 | not_sent | yes |
         *     | UPSTREAM_TIMEOUT | 504 | unknown | yes |
         *     | DEADLINE_EXCEEDED | 504 | not_sent | yes |
         *     | INTERNAL | 500 | unknown | no |
         *
         *     The outcome is `not_sent` instead for users whose call was not made because an earlier one failed so.
         * @enum {string}
         */
        Code: "INVALID_REQUEST" | "UNAUTHENTICATED" | "FORBIDDEN" | "PAYLOAD_TOO_LARGE" | "UNSUPPORTED_MEDIA_TYPE" | "GROUP_FULL" | "UPSTREAM_REJECTED" | "UPSTREAM_MISCONFIGURED" | "UPSTREAM_UNREADABLE" | "UPSTREAM_RATE_LIMITED" | "UPSTREAM_CREDENTIALS" | "UPSTREAM_UNAVAILABLE" | "UPSTREAM_UNREACHABLE" | "CREDENTIALS_UNAVAILABLE" | "IDENTITY_UNAVAILABLE" | "QUEUE_UNAVAILABLE" | "UPSTREAM_TIMEOUT" | "DEADLINE_EXCEEDED" | "INTERNAL";
        /**
         * @description What became of the users: `not_sent` (nothing happened), `rejected` (RongCloud said no) or `unknown` (they may have
         *     joined). Of several failures, the least certain.
         * @enum {string}
         */
        Outcome: "not_sent" | "rejected" | "unknown";
        /** @description RongCloud's return code, if it gave one. */
        UpstreamCode: number;
        FieldErrors: {
            /**
             * Format: json-pointer
             * @description A JSON pointer into the body. `/groupId` is the path's, and the empty one is the whole body.
             */
            pointer: string;
            detail: string;
        }[];
        /** @description What API Gateway itself answers. */
        GatewayMessage: {
            message: string;
        };
        /**
         * @description The event of the Invoke door.
         * @example {
         *       "groupId": "team-1",
         *       "userIds": [
         *         "u1",
         *         "u2"
         *       ],
         *       "groupName": "Team 1",
         *       "requestId": "import-7:42"
         *     }
         */
        InvokeEvent: {
            groupId: components["schemas"]["GroupId"];
            userIds: components["schemas"]["UserIds"];
            groupName?: components["schemas"]["GroupName"];
            /** @description Kept if it has the form of a `RequestId`. Any other value is replaced. */
            requestId?: unknown;
        };
        /** @description What the Invoke door answers if all joined. */
        InvokeAnswer: components["schemas"]["Joined"];
        /**
         * @description What the Invoke door fails with if any user did not join: the `errorMessage` of the function error, which is JSON. Its
         *     `code` is the `errorType`. It holds no ids, because Lambda logs every error.
         */
        InvokeProblem: components["schemas"]["Problem"] & {
            upstreamCode?: components["schemas"]["UpstreamCode"];
            errors?: components["schemas"]["FieldErrors"];
            /** @description How many users joined. */
            joined: number;
            /** @description Positions in the list of distinct users, in the order given. Empty if no call was made. */
            failed: {
                offset: number;
                count: number;
                code: components["schemas"]["Code"];
                outcome: components["schemas"]["Outcome"];
                retryable: boolean;
            }[];
        };
        /** @description The body of a message on the queue, which is JSON. It is what the Invoke door takes. */
        QueueMessage: components["schemas"]["InvokeEvent"];
        /** @description The EventBridge event that tells what became of the requests for a group. EventBridge adds more fields. */
        JoinsSettled: {
            /** @description It ends in the stage. */
            source: string;
            /** @constant */
            "detail-type": "Joins Settled";
            detail: {
                groupId: components["schemas"]["GroupId"];
                results: {
                    requestId: components["schemas"]["RequestId"];
                    joined: number;
                    refused: number;
                    /** @description They will be tried again. */
                    undecided: number;
                    /** @description Why the first of the refused users, or the name, was refused. */
                    code?: components["schemas"]["Code"];
                }[];
            };
        };
    };
    responses: {
        /** @description All joined. */
        Joined: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Joined"];
            };
        };
        /**
         * @description The queue has the users in `queued`, for `Prefer: respond-async`. With `wait`, `joined` holds those who joined in
         *     time, and `failed` those whose failure is not worth repeating.
         */
        Queued: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "Preference-Applied": components["headers"]["Preference-Applied"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Queued"];
            };
        };
        /** @description Some joined. */
        PartlyJoined: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["PartlyJoined"];
            };
        };
        /** @description Malformed JSON, or a field out of its limits. */
        BadRequest: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 400;
                    /** @enum {unknown} */
                    code?: "INVALID_REQUEST";
                } & {
                    errors: components["schemas"]["FieldErrors"];
                };
            };
        };
        /** @description No token, or not a valid one. */
        Unauthorized: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "WWW-Authenticate": components["headers"]["WWW-Authenticate"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 401;
                    /** @enum {unknown} */
                    code?: "UNAUTHENTICATED";
                };
            };
        };
        /** @description The policy said no, or the request came past what stands in front. */
        Forbidden: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 403;
                    /** @enum {unknown} */
                    code?: "FORBIDDEN";
                };
            };
        };
        /** @description No such path or method. API Gateway itself answers. */
        NotFound: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["GatewayMessage"];
            };
        };
        /** @description The group has no room for these users. */
        Conflict: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["JoinProblem"] & {
                    /** @constant */
                    status?: 409;
                    /** @enum {unknown} */
                    code?: "GROUP_FULL";
                };
            };
        };
        /** @description A body over 1.2 MB. Over 10 MB API Gateway itself answers. */
        ContentTooLarge: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["GatewayMessage"];
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 413;
                    /** @enum {unknown} */
                    code?: "PAYLOAD_TOO_LARGE";
                };
            };
        };
        /** @description A body that is not JSON, has a `charset` other than UTF-8, or is compressed. */
        UnsupportedMediaType: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"] & {
                    /** @constant */
                    status?: 415;
                    /** @enum {unknown} */
                    code?: "UNSUPPORTED_MEDIA_TYPE";
                };
            };
        };
        /** @description RongCloud refused the request. `upstreamCode` says why. */
        UnprocessableContent: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["JoinProblem"] & {
                    /** @constant */
                    status?: 422;
                    /** @enum {unknown} */
                    code?: "UPSTREAM_REJECTED";
                };
            };
        };
        /** @description Over the throttle of the stage. API Gateway itself answers. */
        TooManyRequests: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["GatewayMessage"];
            };
        };
        /** @description A bug, or the function did not start. API Gateway itself answers the second. */
        InternalServerError: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["GatewayMessage"];
                "application/problem+json": components["schemas"]["JoinProblem"] & {
                    /** @constant */
                    status?: 500;
                    /** @enum {unknown} */
                    code?: "INTERNAL";
                };
            };
        };
        /** @description RongCloud refuses this service until a person acts, or gave an unreadable answer. */
        BadGateway: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["JoinProblem"] & {
                    /** @constant */
                    status?: 502;
                    /** @enum {unknown} */
                    code?: "UPSTREAM_MISCONFIGURED" | "UPSTREAM_UNREADABLE";
                };
            };
        };
        /** @description Something that the service needs failed. API Gateway itself answers if the function ran out of time. */
        ServiceUnavailable: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                "Retry-After": components["headers"]["Retry-After"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["GatewayMessage"];
                "application/problem+json": components["schemas"]["JoinProblem"] & {
                    /** @constant */
                    status?: 503;
                    /** @enum {unknown} */
                    code?: "UPSTREAM_RATE_LIMITED" | "UPSTREAM_CREDENTIALS" | "UPSTREAM_UNAVAILABLE" | "UPSTREAM_UNREACHABLE" | "CREDENTIALS_UNAVAILABLE" | "IDENTITY_UNAVAILABLE" | "QUEUE_UNAVAILABLE";
                };
            };
        };
        /** @description RongCloud did not answer in time, or too little time was left to send. */
        GatewayTimeout: {
            headers: {
                "X-Request-ID": components["headers"]["X-Request-ID"];
                "Cache-Control": components["headers"]["Cache-Control"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["JoinProblem"] & {
                    /** @constant */
                    status?: 504;
                    /** @enum {unknown} */
                    code?: "UPSTREAM_TIMEOUT" | "DEADLINE_EXCEEDED";
                };
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description The request's id, in every answer of the service and in its logs. */
        "X-Request-ID": components["schemas"]["RequestId"];
        /** @description In every answer of the service. */
        "Cache-Control": "no-store";
        "Preference-Applied": "respond-async";
        /** @description RFC 6750. It has an error only if the request had a bearer token. */
        "WWW-Authenticate": "Bearer realm=\"groups\"" | "Bearer realm=\"groups\", error=\"invalid_token\"";
        /**
         * @description Seconds, in every 503 of the service: 5, 2 for `UPSTREAM_RATE_LIMITED`, 30 for `UPSTREAM_CREDENTIALS`, and at random
         *     up to twice as much.
         */
        "Retry-After": number;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    joinGroup: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description `respond-async` puts the request on the queue. With `wait=N`, it joins now if that ends within N seconds (8 at
                 *     the most), and else goes to the queue. A `wait` that is 0 or no whole number counts as none. Read as RFC 7240
                 *     says, and ignored where there is no queue or where a quote is not closed.
                 */
                Prefer?: string;
                /**
                 * @description Kept if it has the form of a `RequestId`. Any other value is replaced.
                 * @example import-7:42
                 */
                "X-Request-ID"?: string;
                /**
                 * @description A W3C Trace Context. It goes into the log.
                 * @example 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
                 */
                traceparent?: string;
            };
            path: {
                groupId: components["schemas"]["PathGroupId"];
            };
            cookie?: never;
        };
        /**
         * @description Any type that JSON has (`application/json`, `application/*+json`), or none, is taken. The body is in UTF-8, is not
         *     compressed, and has at most 1.2 MB.
         */
        requestBody?: {
            content: {
                "application/json": components["schemas"]["JoinBody"];
            };
        };
        responses: {
            200: components["responses"]["Joined"];
            202: components["responses"]["Queued"];
            207: components["responses"]["PartlyJoined"];
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["ContentTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableContent"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            502: components["responses"]["BadGateway"];
            503: components["responses"]["ServiceUnavailable"];
            504: components["responses"]["GatewayTimeout"];
        };
    };
}
