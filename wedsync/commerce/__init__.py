"""Plans of businesses: what each may have, what it uses of it, and what it is told when that comes near its end.

The limits are held by the database (db/schema/87_plans.sql), whoever writes; here they are shown, and told of.
"""
