// What a phone does first, written against the types that are generated from the OpenAPI document.
// It must compile under `--strict`, and it must work against the running service.
import createClient from "openapi-fetch";
import type { components, paths, webhooks } from "./schema.js";

type CheckInWrite = components["schemas"]["CheckInWrite"];
type CheckIn = components["schemas"]["CheckIn"];
type Problem = components["schemas"]["Problem"];
type Recorded = webhooks["check_in.recorded"]["post"]["requestBody"]["content"]["application/json"];

const [baseUrl, token, checkInId] = process.argv.slice(2);
if (!baseUrl || !token || !checkInId) throw new Error("usage: phone BASE_URL TOKEN CHECK_IN_ID");
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

const report: CheckInWrite = {
  recorded_at: new Date(Date.now() - 60_000).toISOString(),
  time_zone: "Europe/Berlin",
  responses: [
    { instrument: "craving_nrs", version: "1", substance: "alcohol", answers: { now: 3, peak: null } },
    { instrument: "mood_nrs", version: "1", answers: { now: 6 } },
  ],
};

function explain(problem: Problem | undefined): never {
  throw new Error(problem ? `${problem.code}: ${problem.errors.map((fault) => fault.pointer).join(", ")}` : "no answer");
}

async function submit(): Promise<CheckIn> {
  const path = { params: { path: { check_in_id: checkInId as string } }, body: report };
  const { data, error } = await api.PUT("/v1/me/check-ins/{check_in_id}", path);
  return data ?? explain(error);
}

const stored = await submit();
const again = await submit();
const total: number | null = stored.scores[0]?.total ?? null;
const phase: CheckIn["link"]["phase"] = stored.link.phase;
if (stored.version !== 1 || again.received_at !== stored.received_at || total !== 3) throw new Error("not as it was sent");

const trend = await api.GET("/v1/me/trends", { params: { query: { measure: "craving" } } });
if (!trend.data) explain(trend.error);

const unknown = await api.GET("/v1/me/check-ins/{check_in_id}", {
  params: { path: { check_in_id: "0199f3d2-7c1e-7b60-9f3a-000000000000" } },
});
if (unknown.error?.code !== "not_found") throw new Error("an unknown check-in was found");

const event: Pick<Recorded, "type"> = { type: "check_in.recorded" };
console.log(`submitted twice, stored once; phase ${phase ?? "none"}; ${event.type}`);
