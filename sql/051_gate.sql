-- The gate may be run again for the same run: its results then replace the earlier ones.
grant update on ops.gate_results to planmark_gate;
