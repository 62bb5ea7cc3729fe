//! The auditor's trust policy (C2SP tlog-policy): which log, which witnesses, and how many of them.
