"""first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('account',
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('name', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('is_trial_role', sa.Boolean(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('signed_in_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('email', name=op.f('uq_account_email'))
    )
    op.create_table('audit_event',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('actor_name', sa.String(length=200), nullable=False),
    sa.Column('what', sa.String(length=300), nullable=False),
    sa.Column('what_params', sa.JSON(), nullable=False),
    sa.Column('subject_kind', sa.String(length=40), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('scope_id', sa.Uuid(), nullable=True),
    sa.Column('changes', sa.JSON(), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_event'))
    )
    with op.batch_alter_table('audit_event', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_audit_event_scope_id_id'), ['scope_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_audit_event_subject_id'), ['subject_id'], unique=False)

    op.create_table('mail_server_state',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('away_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(), nullable=True),
    sa.CheckConstraint('id = 1', name=op.f('ck_mail_server_state_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail_server_state'))
    )
    op.create_table('organisation',
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('name', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('state', sa.String(length=2), nullable=True),
    sa.Column('time_zone', sa.String(length=40), nullable=True),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation')),
    sa.UniqueConstraint('key', name=op.f('uq_organisation_key'))
    )
    with op.batch_alter_table('organisation', schema=None) as batch_op:
        batch_op.create_index('uq_organisation_one_city', ['kind'], unique=True, postgresql_where=sa.text("kind = 'city'"), sqlite_where=sa.text("kind = 'city'"))

    op.create_table('programme',
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('name', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('short_name', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('description', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('legal_basis', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('level', sa.String(length=10), nullable=False),
    sa.Column('starts', sa.String(length=10), nullable=True),
    sa.Column('ends', sa.String(length=10), nullable=True),
    sa.Column('state', sa.String(length=2), nullable=False),
    sa.Column('time_zone', sa.String(length=40), nullable=False),
    sa.Column('send_time', sa.Time(), nullable=False),
    sa.Column('update_rhythm', sa.String(length=12), nullable=False),
    sa.Column('update_due_days', sa.Integer(), nullable=False),
    sa.Column('approval_days', sa.Integer(), nullable=False),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_programme')),
    sa.UniqueConstraint('key', name=op.f('uq_programme_key'))
    )
    op.create_table('sandbox_clock',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('today_on', sa.Date(), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_sandbox_clock_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sandbox_clock'))
    )
    op.create_table('unit',
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('parent_id', sa.Uuid(), nullable=True),
    sa.Column('name', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['parent_id'], ['unit.id'], name=op.f('fk_unit_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_unit')),
    sa.UniqueConstraint('key', name=op.f('uq_unit_key'))
    )
    op.create_table('digest',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('facts', sa.JSON(), nullable=False),
    sa.Column('has_news', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_by_id', sa.Uuid(), nullable=True),
    sa.Column('recipients', sa.Integer(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('until_on >= from_on', name=op.f('ck_digest_span_runs_forward')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_digest_organisation_id')),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_digest_programme_id')),
    sa.ForeignKeyConstraint(['sent_by_id'], ['account.id'], name=op.f('fk_digest_sent_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_digest')),
    sa.UniqueConstraint('programme_id', 'organisation_id', 'from_on', name=op.f('uq_digest_programme_id_organisation_id_from_on'))
    )
    op.create_table('digest_recipient',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_digest_recipient_organisation_id')),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_digest_recipient_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_digest_recipient')),
    sa.UniqueConstraint('programme_id', 'organisation_id', 'email', name=op.f('uq_digest_recipient_programme_id_organisation_id_email'))
    )
    op.create_table('document',
    sa.Column('filename', sa.String(length=200), nullable=False),
    sa.Column('media_type', sa.String(length=100), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('uploaded_by_id', sa.Uuid(), nullable=True),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['uploaded_by_id'], ['account.id'], name=op.f('fk_document_uploaded_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_document'))
    )
    op.create_table('focus_area',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('name', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_focus_area_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_focus_area')),
    sa.UniqueConstraint('programme_id', 'key', name=op.f('uq_focus_area_programme_id_key'))
    )
    op.create_table('grant',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('title', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('file_number', sa.String(length=80), nullable=True),
    sa.Column('notice_on', sa.Date(), nullable=True),
    sa.Column('notice_count', sa.Integer(), nullable=True),
    sa.Column('commitment_on', sa.Date(), nullable=True),
    sa.Column('period_starts_on', sa.Date(), nullable=True),
    sa.Column('period_ends_on', sa.Date(), nullable=True),
    sa.Column('amount', sa.BigInteger(), nullable=True),
    sa.Column('amount_note', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('total_cost', sa.BigInteger(), nullable=True),
    sa.Column('rate', sa.String(length=8), nullable=True),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_grant_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_grant')),
    sa.UniqueConstraint('programme_id', 'key', name=op.f('uq_grant_programme_id_key'))
    )
    op.create_table('mail',
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('once', sa.String(length=300), nullable=True),
    sa.Column('account_id', sa.Uuid(), nullable=True),
    sa.Column('to_address', sa.String(length=320), nullable=False),
    sa.Column('to_name', sa.String(length=200), nullable=False),
    sa.Column('language', sa.String(length=2), nullable=False),
    sa.Column('subject', sa.String(length=300), nullable=False),
    sa.Column('body_text', sa.String(), nullable=False),
    sa.Column('body_html', sa.String(), nullable=False),
    sa.Column('message_id', sa.String(length=200), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.String(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f('ck_mail_sent_means_sent_at')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_mail_account_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail')),
    sa.UniqueConstraint('message_id', name=op.f('uq_mail_message_id')),
    sa.UniqueConstraint('once', name=op.f('uq_mail_once'))
    )
    with op.batch_alter_table('mail', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mail_created_at'), ['created_at'], unique=False)
        batch_op.create_index('ix_mail_queue', ['next_attempt_at'], unique=False, postgresql_where=sa.text("state = 'queued'"), sqlite_where=sa.text("state = 'queued'"))

    op.create_table('membership',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('unit_id', sa.Uuid(), nullable=True),
    sa.Column('organisation_id', sa.Uuid(), nullable=True),
    sa.Column('since_on', sa.Date(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_membership_account_id')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_membership_organisation_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], name=op.f('fk_membership_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_membership'))
    )
    with op.batch_alter_table('membership', schema=None) as batch_op:
        batch_op.create_index('uq_membership', ['account_id', 'role', 'unit_id', 'organisation_id'], unique=True, postgresql_nulls_not_distinct=True)

    op.create_table('programme_funder',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('organisation_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('part', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('digest_rhythm', sa.String(length=12), nullable=True),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_programme_funder_organisation_id')),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_programme_funder_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_programme_funder')),
    sa.UniqueConstraint('programme_id', 'organisation_id', name=op.f('uq_programme_funder_programme_id_organisation_id'))
    )
    op.create_table('reminder_run',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('ran_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('mails', sa.Integer(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_reminder_run_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder_run')),
    sa.UniqueConstraint('programme_id', 'day', name=op.f('uq_reminder_run_programme_id_day'))
    )
    op.create_table('reminder_step',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=40), nullable=False),
    sa.Column('offset_days', sa.Integer(), nullable=False),
    sa.Column('repeat_days', sa.Integer(), nullable=True),
    sa.Column('recipients', sa.JSON(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('repeat_days IS NULL OR offset_days > 0', name=op.f('ck_reminder_step_repeats_only_after_the_due_day')),
    sa.CheckConstraint('repeat_days IS NULL OR repeat_days > 0', name=op.f('ck_reminder_step_repeat_is_positive')),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_reminder_step_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder_step')),
    sa.UniqueConstraint('programme_id', 'key', name=op.f('uq_reminder_step_programme_id_key'))
    )
    op.create_table('unit_name',
    sa.Column('unit_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('from_on', sa.String(length=10), nullable=True),
    sa.Column('until_on', sa.String(length=10), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], name=op.f('fk_unit_name_unit_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_unit_name'))
    )
    op.create_table('workflow',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('definition', sa.JSON(), nullable=False),
    sa.Column('published_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_workflow_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_workflow')),
    sa.UniqueConstraint('programme_id', 'version', name=op.f('uq_workflow_programme_id_version'))
    )
    op.create_table('drawdown',
    sa.Column('grant_id', sa.Uuid(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('requested_on', sa.Date(), nullable=False),
    sa.Column('needed_until', sa.Date(), nullable=True),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('amount > 0', name=op.f('ck_drawdown_amount_is_positive')),
    sa.ForeignKeyConstraint(['grant_id'], ['grant.id'], name=op.f('fk_drawdown_grant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_drawdown'))
    )
    op.create_table('measure',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('workflow_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('title', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('sort_key', sa.String(length=300), nullable=False),
    sa.Column('summary', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('field', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('focus_area_id', sa.Uuid(), nullable=True),
    sa.Column('unit_id', sa.Uuid(), nullable=True),
    sa.Column('lead_id', sa.Uuid(), nullable=True),
    sa.Column('partners', sa.JSON(), nullable=False),
    sa.Column('starts', sa.String(length=10), nullable=True),
    sa.Column('ends', sa.String(length=10), nullable=True),
    sa.Column('total_cost', sa.BigInteger(), nullable=True),
    sa.Column('grant_amount', sa.BigInteger(), nullable=True),
    sa.Column('status', sa.String(length=80), nullable=True),
    sa.Column('status_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('entered_on', sa.Date(), nullable=False),
    sa.Column('record', sa.JSON(), nullable=False),
    sa.Column('documents', sa.JSON(), nullable=False),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['focus_area_id'], ['focus_area.id'], name=op.f('fk_measure_focus_area_id')),
    sa.ForeignKeyConstraint(['lead_id'], ['account.id'], name=op.f('fk_measure_lead_id')),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_measure_programme_id')),
    sa.ForeignKeyConstraint(['unit_id'], ['unit.id'], name=op.f('fk_measure_unit_id')),
    sa.ForeignKeyConstraint(['workflow_id'], ['workflow.id'], name=op.f('fk_measure_workflow_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_measure')),
    sa.UniqueConstraint('programme_id', 'key', name=op.f('uq_measure_programme_id_key'))
    )
    with op.batch_alter_table('measure', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_measure_programme_id_sort_key'), ['programme_id', 'sort_key'], unique=False)

    op.create_table('obligation',
    sa.Column('grant_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('title', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('rule', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('basis', sa.String(length=10), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('due_version', sa.Integer(), nullable=False),
    sa.Column('done_on', sa.Date(), nullable=True),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['grant_id'], ['grant.id'], name=op.f('fk_obligation_grant_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_obligation')),
    sa.UniqueConstraint('grant_id', 'key', name=op.f('uq_obligation_grant_id_key'))
    )
    op.create_table('reminder_entry',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('subject', sa.String(length=120), nullable=False),
    sa.Column('due_version', sa.Integer(), nullable=False),
    sa.Column('step', sa.String(length=60), nullable=False),
    sa.Column('recipient_id', sa.Uuid(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('decided_on', sa.Date(), nullable=False),
    sa.Column('outcome', sa.String(length=10), nullable=False),
    sa.Column('mail_id', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("(outcome = 'mailed') = (mail_id IS NOT NULL)", name=op.f('ck_reminder_entry_mailed_means_mail')),
    sa.ForeignKeyConstraint(['mail_id'], ['mail.id'], name=op.f('fk_reminder_entry_mail_id')),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_reminder_entry_programme_id')),
    sa.ForeignKeyConstraint(['recipient_id'], ['account.id'], name=op.f('fk_reminder_entry_recipient_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reminder_entry')),
    sa.UniqueConstraint('subject', 'due_version', 'step', 'recipient_id', name='uq_reminder_entry_once')
    )
    with op.batch_alter_table('reminder_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reminder_entry_decided_on'), ['decided_on'], unique=False)

    op.create_table('activity',
    sa.Column('programme_id', sa.Uuid(), nullable=False),
    sa.Column('measure_id', sa.Uuid(), nullable=True),
    sa.Column('grant_id', sa.Uuid(), nullable=True),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('title', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('summary', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('state', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('starts', sa.String(length=10), nullable=True),
    sa.Column('ends', sa.String(length=10), nullable=True),
    sa.Column('other_fund', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('grant_id IS NULL OR other_fund IS NULL', name=op.f('ck_activity_one_payer')),
    sa.ForeignKeyConstraint(['grant_id'], ['grant.id'], name=op.f('fk_activity_grant_id')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_activity_measure_id')),
    sa.ForeignKeyConstraint(['programme_id'], ['programme.id'], name=op.f('fk_activity_programme_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_activity')),
    sa.UniqueConstraint('programme_id', 'key', name=op.f('uq_activity_programme_id_key'))
    )
    op.create_table('grant_measure',
    sa.Column('grant_id', sa.Uuid(), nullable=False),
    sa.Column('measure_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['grant_id'], ['grant.id'], name=op.f('fk_grant_measure_grant_id')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_grant_measure_measure_id')),
    sa.PrimaryKeyConstraint('grant_id', 'measure_id', name=op.f('pk_grant_measure'))
    )
    op.create_table('measure_event',
    sa.Column('measure_id', sa.Uuid(), nullable=False),
    sa.Column('happened', sa.String(length=10), nullable=False),
    sa.Column('sort_on', sa.Date(), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('title', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('sort_title', sa.String(length=300), nullable=False),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_measure_event_measure_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_measure_event')),
    sa.UniqueConstraint('measure_id', 'happened', 'sort_title', name=op.f('uq_measure_event_measure_id_happened_sort_title'))
    )
    op.create_table('milestone',
    sa.Column('measure_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('title', sa.JSON(none_as_null=True), nullable=False),
    sa.Column('description', sa.JSON(none_as_null=True), nullable=True),
    sa.Column('planned_on', sa.Date(), nullable=False),
    sa.Column('planned_precision', sa.String(length=5), nullable=False),
    sa.Column('forecast_on', sa.Date(), nullable=True),
    sa.Column('actual_on', sa.Date(), nullable=True),
    sa.Column('due_version', sa.Integer(), nullable=False),
    sa.Column('edited_by_id', sa.Uuid(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dropped_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('drop_reason', sa.String(), nullable=True),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('sample_fields', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('(approved_at IS NULL) = (actual_on IS NULL)', name=op.f('ck_milestone_approved_means_actual_day')),
    sa.CheckConstraint('(dropped_at IS NULL) = (drop_reason IS NULL)', name=op.f('ck_milestone_dropped_means_reason')),
    sa.CheckConstraint('approved_at IS NULL OR dropped_at IS NULL', name=op.f('ck_milestone_approved_or_dropped')),
    sa.ForeignKeyConstraint(['edited_by_id'], ['account.id'], name=op.f('fk_milestone_edited_by_id')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_milestone_measure_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_milestone')),
    sa.UniqueConstraint('measure_id', 'key', name=op.f('uq_milestone_measure_id_key'))
    )
    with op.batch_alter_table('milestone', schema=None) as batch_op:
        batch_op.create_index('ix_milestone_open', ['planned_on'], unique=False, postgresql_where=sa.text('approved_at IS NULL AND dropped_at IS NULL'), sqlite_where=sa.text('approved_at IS NULL AND dropped_at IS NULL'))

    op.create_table('progress_update',
    sa.Column('measure_id', sa.Uuid(), nullable=False),
    sa.Column('period', sa.String(length=7), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('health', sa.String(length=6), nullable=True),
    sa.Column('health_reason', sa.String(), nullable=True),
    sa.Column('decision_wanted', sa.String(), nullable=True),
    sa.Column('percent', sa.Integer(), nullable=True),
    sa.Column('done', sa.String(), nullable=True),
    sa.Column('next_steps', sa.String(), nullable=True),
    sa.Column('risks', sa.String(), nullable=True),
    sa.Column('author_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('return_reason', sa.String(), nullable=True),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("(state IN ('released', 'returned')) = (decided_at IS NOT NULL)", name=op.f('ck_progress_update_decided_means_at')),
    sa.CheckConstraint("state <> 'returned' OR length(trim(coalesce(return_reason, ''))) > 0", name=op.f('ck_progress_update_returned_means_reason')),
    sa.CheckConstraint("state = 'draft' OR health = 'green' OR length(trim(coalesce(health_reason, ''))) > 0", name=op.f('ck_progress_update_yellow_and_red_have_a_reason')),
    sa.CheckConstraint("state = 'draft' OR health IS NOT NULL", name=op.f('ck_progress_update_submitted_means_health')),
    sa.CheckConstraint("state = 'draft' OR submitted_at IS NOT NULL", name=op.f('ck_progress_update_submitted_means_at')),
    sa.CheckConstraint('decided_by_id <> author_id', name=op.f('ck_progress_update_four_eyes')),
    sa.CheckConstraint('percent IS NULL OR percent BETWEEN 0 AND 100', name=op.f('ck_progress_update_percent_is_share')),
    sa.ForeignKeyConstraint(['author_id'], ['account.id'], name=op.f('fk_progress_update_author_id')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['account.id'], name=op.f('fk_progress_update_decided_by_id')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_progress_update_measure_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_progress_update'))
    )
    with op.batch_alter_table('progress_update', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_progress_update_measure_id_period'), ['measure_id', 'period'], unique=False)
        batch_op.create_index('uq_progress_update_one_draft', ['measure_id'], unique=True, postgresql_where=sa.text("state = 'draft'"), sqlite_where=sa.text("state = 'draft'"))

    op.create_table('status_change',
    sa.Column('measure_id', sa.Uuid(), nullable=False),
    sa.Column('workflow_id', sa.Uuid(), nullable=False),
    sa.Column('from_status', sa.String(length=80), nullable=True),
    sa.Column('to_status', sa.String(length=80), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_by_id', sa.Uuid(), nullable=True),
    sa.Column('note', sa.String(), nullable=True),
    sa.Column('record', sa.JSON(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['changed_by_id'], ['account.id'], name=op.f('fk_status_change_changed_by_id')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_status_change_measure_id')),
    sa.ForeignKeyConstraint(['workflow_id'], ['workflow.id'], name=op.f('fk_status_change_workflow_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_status_change'))
    )
    with op.batch_alter_table('status_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_status_change_measure_id_changed_at'), ['measure_id', 'changed_at'], unique=False)

    op.create_table('approval',
    sa.Column('milestone_id', sa.Uuid(), nullable=False),
    sa.Column('submitted_by_id', sa.Uuid(), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actual_on', sa.Date(), nullable=False),
    sa.Column('statement', sa.String(), nullable=False),
    sa.Column('decision', sa.String(length=10), nullable=True),
    sa.Column('decided_by_id', sa.Uuid(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("decision <> 'returned' OR length(trim(coalesce(reason, ''))) > 0", name=op.f('ck_approval_returned_means_reason')),
    sa.CheckConstraint("decision = 'withdrawn' OR decided_by_id <> submitted_by_id", name=op.f('ck_approval_four_eyes')),
    sa.CheckConstraint('(decision IS NULL) = (decided_by_id IS NULL) AND (decision IS NULL) = (decided_at IS NULL)', name=op.f('ck_approval_decided_means_by_and_at')),
    sa.ForeignKeyConstraint(['decided_by_id'], ['account.id'], name=op.f('fk_approval_decided_by_id')),
    sa.ForeignKeyConstraint(['milestone_id'], ['milestone.id'], name=op.f('fk_approval_milestone_id')),
    sa.ForeignKeyConstraint(['submitted_by_id'], ['account.id'], name=op.f('fk_approval_submitted_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_approval'))
    )
    with op.batch_alter_table('approval', schema=None) as batch_op:
        batch_op.create_index('uq_approval_one_open', ['milestone_id'], unique=True, postgresql_where=sa.text('decision IS NULL'), sqlite_where=sa.text('decision IS NULL'))

    op.create_table('milestone_forecast',
    sa.Column('update_id', sa.Uuid(), nullable=False),
    sa.Column('milestone_id', sa.Uuid(), nullable=False),
    sa.Column('forecast_on', sa.Date(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['milestone_id'], ['milestone.id'], name=op.f('fk_milestone_forecast_milestone_id')),
    sa.ForeignKeyConstraint(['update_id'], ['progress_update.id'], name=op.f('fk_milestone_forecast_update_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_milestone_forecast')),
    sa.UniqueConstraint('update_id', 'milestone_id', name=op.f('uq_milestone_forecast_update_id_milestone_id'))
    )
    op.create_table('milestone_move',
    sa.Column('milestone_id', sa.Uuid(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('from_precision', sa.String(length=5), nullable=False),
    sa.Column('to_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('moved_by_id', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['milestone_id'], ['milestone.id'], name=op.f('fk_milestone_move_milestone_id')),
    sa.ForeignKeyConstraint(['moved_by_id'], ['account.id'], name=op.f('fk_milestone_move_moved_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_milestone_move'))
    )
    op.create_table('update_attachment',
    sa.Column('update_id', sa.Uuid(), nullable=False),
    sa.Column('document_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_update_attachment_document_id')),
    sa.ForeignKeyConstraint(['update_id'], ['progress_update.id'], name=op.f('fk_update_attachment_update_id')),
    sa.PrimaryKeyConstraint('update_id', 'document_id', name=op.f('pk_update_attachment'))
    )
    op.create_table('approval_evidence',
    sa.Column('approval_id', sa.Uuid(), nullable=False),
    sa.Column('document_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['approval_id'], ['approval.id'], name=op.f('fk_approval_evidence_approval_id')),
    sa.ForeignKeyConstraint(['document_id'], ['document.id'], name=op.f('fk_approval_evidence_document_id')),
    sa.PrimaryKeyConstraint('approval_id', 'document_id', name=op.f('pk_approval_evidence'))
    )

    _keep_the_log()


def downgrade() -> None:
    _release_the_log()
    op.drop_table('approval_evidence')
    op.drop_table('update_attachment')
    op.drop_table('milestone_move')
    op.drop_table('milestone_forecast')
    with op.batch_alter_table('approval', schema=None) as batch_op:
        batch_op.drop_index('uq_approval_one_open', postgresql_where=sa.text('decision IS NULL'), sqlite_where=sa.text('decision IS NULL'))

    op.drop_table('approval')
    with op.batch_alter_table('status_change', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_status_change_measure_id_changed_at'))

    op.drop_table('status_change')
    with op.batch_alter_table('progress_update', schema=None) as batch_op:
        batch_op.drop_index('uq_progress_update_one_draft', postgresql_where=sa.text("state = 'draft'"), sqlite_where=sa.text("state = 'draft'"))
        batch_op.drop_index(batch_op.f('ix_progress_update_measure_id_period'))

    op.drop_table('progress_update')
    with op.batch_alter_table('milestone', schema=None) as batch_op:
        batch_op.drop_index('ix_milestone_open', postgresql_where=sa.text('approved_at IS NULL AND dropped_at IS NULL'), sqlite_where=sa.text('approved_at IS NULL AND dropped_at IS NULL'))

    op.drop_table('milestone')
    op.drop_table('measure_event')
    op.drop_table('grant_measure')
    op.drop_table('activity')
    with op.batch_alter_table('reminder_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_reminder_entry_decided_on'))

    op.drop_table('reminder_entry')
    op.drop_table('obligation')
    with op.batch_alter_table('measure', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_measure_programme_id_sort_key'))

    op.drop_table('measure')
    op.drop_table('drawdown')
    op.drop_table('workflow')
    op.drop_table('unit_name')
    op.drop_table('reminder_step')
    op.drop_table('reminder_run')
    op.drop_table('programme_funder')
    with op.batch_alter_table('membership', schema=None) as batch_op:
        batch_op.drop_index('uq_membership', postgresql_nulls_not_distinct=True)

    op.drop_table('membership')
    with op.batch_alter_table('mail', schema=None) as batch_op:
        batch_op.drop_index('ix_mail_queue', postgresql_where=sa.text("state = 'queued'"), sqlite_where=sa.text("state = 'queued'"))
        batch_op.drop_index(batch_op.f('ix_mail_created_at'))

    op.drop_table('mail')
    op.drop_table('grant')
    op.drop_table('focus_area')
    op.drop_table('document')
    op.drop_table('digest_recipient')
    op.drop_table('digest')
    op.drop_table('unit')
    op.drop_table('sandbox_clock')
    op.drop_table('programme')
    with op.batch_alter_table('organisation', schema=None) as batch_op:
        batch_op.drop_index('uq_organisation_one_city', postgresql_where=sa.text("kind = 'city'"), sqlite_where=sa.text("kind = 'city'"))

    op.drop_table('organisation')
    op.drop_table('mail_server_state')
    with op.batch_alter_table('audit_event', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_audit_event_subject_id'))
        batch_op.drop_index(batch_op.f('ix_audit_event_scope_id_id'))

    op.drop_table('audit_event')
    op.drop_table('account')


def _keep_the_log() -> None:
    """Lines of the log are written once: the database itself refuses to change or delete them."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit_event is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_event_is_append_only()"
        )
    else:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_event_no_{action.lower()} BEFORE {action} ON audit_event "
                "BEGIN SELECT RAISE(ABORT, 'audit_event is append-only'); END"
            )


def _release_the_log() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_event_append_only ON audit_event")
        op.execute("DROP FUNCTION audit_event_is_append_only()")
