"""The names of events that senders of webhooks use."""

from __future__ import annotations

_GITHUB = """
    branch_protection_configuration branch_protection_rule check_run check_suite code_scanning_alert commit_comment
    create custom_property custom_property_values delete dependabot_alert deploy_key deployment
    deployment_protection_rule deployment_review deployment_status discussion discussion_comment fork
    github_app_authorization gollum installation installation_repositories installation_target issue_comment
    issue_dependencies issues label marketplace_purchase member membership merge_group meta milestone org_block
    organization package page_build personal_access_token_request ping project project_card project_column projects_v2
    projects_v2_item projects_v2_status_update public pull_request pull_request_review pull_request_review_comment
    pull_request_review_thread push registry_package release repository repository_advisory repository_dispatch
    repository_import repository_ruleset repository_vulnerability_alert secret_scanning_alert
    secret_scanning_alert_location secret_scanning_scan security_advisory security_and_analysis sponsorship star status
    sub_issues team team_add watch workflow_dispatch workflow_job workflow_run
"""
GITHUB_EVENTS = frozenset(_GITHUB.split())
"""From npm @octokit/webhooks 14.2.0, `emitterEventNames`."""

SENTRY_RESOURCES = frozenset({"event_alert", "metric_alert", "issue", "error", "comment", "installation"})
"""The values of `sentry-hook-resource` (docs.sentry.io, integration platform, webhooks)."""

_LINEAR = """
    issues issue_comment agentactivity agentsessionevent appusernotification attachment auditentry customer
    customerneed cycle document initiative initiativelabel initiativeupdate issuelabel issuesla oauthapp project
    projectlabel projectupdate reaction release releasenote user
"""
LINEAR_EVENTS = frozenset(_LINEAR.split())
"""Linear's types in lower case, but `Issue` and `Comment`, which are called as GitHub calls them."""

DISCORD_EVENTS = frozenset({"application_command", "message_component", "autocomplete", "modal_submit"})
"""Types of interactions (as Action Llama calls them)."""

_X = """
    tweet_create_events tweet_delete_events favorite_events follow_events block_events mute_events user_event
    direct_message_events direct_message_indicate_typing_events direct_message_mark_read_events
"""
X_EVENTS = frozenset(_X.split())
"""Keys of the Account Activity API's payloads."""
